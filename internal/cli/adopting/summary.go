package adopting

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/adopt"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// summary is the output of -o json.
type summary struct {
	Input      string     `json:"input"`
	Output     string     `json:"output"` // "": the result was printed, or nothing was written
	Changed    bool       `json:"changed"`
	Added      []string   `json:"added"`
	Chains     []chain    `json:"chains"`
	Specs      []specOf   `json:"specs"`
	Elsewhere  []string   `json:"elsewhere"` // files with listeners, for separate runs
	AtBoot     string     `json:"atBoot"`
	Warnings   []note     `json:"warnings"`
	Notes      []note     `json:"notes"`
	Validation Validation `json:"validation"`
	Snippet    string     `json:"snippet"` // filters for listeners of another control plane
	Patch      string     `json:"patch"`   // a unified diff
	Next       []string   `json:"next"`    // commands
}

type chain struct {
	Listener string  `json:"listener"`
	Type     string  `json:"type"`
	File     string  `json:"file"`
	Line     int     `json:"line"`
	Before   []entry `json:"before"`
	After    []entry `json:"after"`
}

type entry struct {
	Name   string `json:"name"`
	Origin string `json:"origin"` // file, static_wasm, wasm-xds or ecds
}

type specOf struct {
	Name    string `json:"name"`
	File    string `json:"file"`
	Module  string `json:"module"` // the file beside the spec; "": the spec names a URL, or a file elsewhere
	Written bool   `json:"written"`
}

type note struct {
	Message string `json:"message"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
}

func newSummary(o Options, in adopt.Input, plan *adopt.Plan) summary {
	s := summary{
		Input: o.Path, Changed: plan.Changed, Added: append([]string{}, plan.Added...), Chains: []chain{}, Specs: []specOf{},
		Elsewhere: append([]string{}, plan.Elsewhere...), AtBoot: plan.AtBoot, Warnings: notes(plan.Warnings), Notes: notes(plan.Notes),
		Snippet: plan.Snippet, Patch: plan.Diff, Next: []string{},
	}
	for _, c := range plan.Chains {
		s.Chains = append(s.Chains, chain{c.Listener, string(c.Type), c.Pos.File, c.Pos.Line, entries(c.Before), entries(c.After)})
	}
	for _, one := range plan.Specs {
		of := specOf{Name: one.Spec, File: filepath.Join(o.SpecsDir, one.Name)}
		if one.Module != nil {
			of.Module = filepath.Join(o.SpecsDir, one.Module.Name)
		}
		s.Specs = append(s.Specs, of)
	}
	if plan.Changed && !in.ListenersOnly && (o.Out != "" || o.InPlace) {
		s.Next = next(o)
	}
	return s
}

func notes(all []adopt.Note) []note {
	out := []note{}
	for _, n := range all {
		out = append(out, note{n.Message, n.Pos.File, n.Pos.Line, n.Pos.Column})
	}
	return out
}

func entries(all []adopt.Entry) []entry {
	out := []entry{}
	for _, e := range all {
		out = append(out, entry{e.Name, string(e.Origin)})
	}
	return out
}

// next are the following commands.
func next(o Options) []string {
	target := o.Out
	if o.InPlace {
		target = o.Path
	}
	b := o.Plan.Bootstrap
	commands := []string{serve(o.SpecsDir, b.XDSAddress, b.ModulesAddress, b.ModulesCluster)}
	if len(b.XDSServers) > 0 {
		commands = nil
	}
	for i, at := range b.XDSServers {
		modules := ""
		if i < len(b.ModulesServers) {
			modules = b.ModulesServers[i]
		}
		commands = append(commands, serve(o.SpecsDir, at, modules, b.ModulesCluster))
	}
	return append(commands, "envoy -c "+target, "wasm-xds status")
}

// serve is the command that serves at these addresses.
func serve(dir, xds, modules, cluster string) string {
	text := "wasm-xds serve " + dir
	for _, one := range []struct{ flag, value, usual string }{
		{"--xds-address", xds, "127.0.0.1:18000"},
		{"--modules-address", modules, "127.0.0.1:18001"},
		{"--modules-cluster", cluster, "wasm_xds_modules"},
	} {
		if one.value != one.usual && one.value != "" {
			text += " " + one.flag + " " + one.value
		}
	}
	return text
}

// print writes the summary for people.
func (s summary) print(w io.Writer) {
	p := printer{w, display.Width(w)}
	if s.Output != "" {
		p.line("", s.Input+" → "+s.Output)
	} else {
		p.line("", s.Input)
	}
	if !s.Changed {
		p.line("  ", "nothing changes: the file is adopted already")
	}
	for _, one := range s.Added {
		p.line("  added ", one)
	}
	for _, c := range s.Chains {
		p.line("  ", fmt.Sprintf("listener %s, %s filters, line %d", c.Listener, c.Type, c.Line))
		p.line("    before: ", chainText(c.Before))
		p.line("    after:  ", chainText(c.After))
	}
	for _, one := range s.Specs {
		p.line("  ", specText(one))
	}
	for _, n := range s.Warnings {
		p.line("  warning: ", place(n)+n.Message)
	}
	for _, n := range s.Notes {
		p.line("  note: ", place(n)+n.Message)
	}
	for line := range strings.Lines(s.Snippet) {
		fmt.Fprint(w, "    "+line)
	}
	switch {
	case s.Validation.Result == passed:
		p.line("  ", "Envoy takes the result (--mode validate): "+s.Validation.Envoy)
	case s.Changed:
		p.line("  ", "Envoy has not checked the result: "+s.Validation.Reason)
	}
	if s.Changed && s.AtBoot != "" {
		fmt.Fprintln(w)
		p.line("", s.AtBoot)
	}
	if len(s.Next) > 0 {
		fmt.Fprintln(w, "\nNext:")
		for _, one := range s.Next {
			fmt.Fprintln(w, "  "+terminal.Printable(one))
		}
	}
}

// printer prints lines for a terminal, no wider than the terminal.
type printer struct {
	w     io.Writer
	width int
}

func (p printer) line(prefix, text string) {
	indent := strings.Repeat(" ", len(prefix))
	if strings.TrimSpace(prefix) != "" {
		indent = "    "
	}
	fmt.Fprintln(p.w, prefix+strings.TrimLeft(terminal.Wrap(terminal.Printable(text), max(p.width-len(prefix), 40), indent), " "))
}

func specText(s specOf) string {
	text := "would write the spec " + s.File
	if s.Written {
		text = "spec " + s.Name + ": " + s.File
	}
	if s.Module != "" {
		text += " and its module " + s.Module
	}
	return text
}

func place(n note) string {
	if n.Line == 0 {
		return ""
	}
	return spec.Position{File: n.File, Line: n.Line}.String() + ": "
}

func chainText(all []entry) string {
	var words []string
	for _, e := range all {
		switch adopt.Origin(e.Origin) {
		case adopt.StaticWasm:
			words = append(words, e.Name+" (Wasm in the file)")
		case adopt.FromWasmXDS:
			words = append(words, e.Name+" (from wasm-xds)")
		case adopt.FromOther:
			words = append(words, e.Name+" (ECDS from elsewhere)")
		default:
			words = append(words, e.Name)
		}
	}
	return strings.Join(words, ", ")
}
