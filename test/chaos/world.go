package chaos

import (
	"fmt"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// Seen is the content of a filter that an answer shows: its label, [Passed] or [Denied].
type Seen string

// The values of Seen for a filter without a content of its own.
const (
	Passed Seen = "passed" // the request passed without the filter
	Denied Seen = "denied" // the built-in deny refused the request
)

// Fault is the reason why a content does not load.
type Fault string

// The faults of contents.
const (
	NoFault        Fault = ""
	Garbage        Fault = "garbage"
	MissingImport  Fault = "missing import"
	ConfigureFails Fault = "configure fails"
	// Without the sandbox, these faults would hang or crash an Envoy.
	Loops    Fault = "loops for ever"
	Grows    Fault = "grows for ever"
	NoMemory Fault = "no memory"
	// NewImport loads on Envoy 1.39 and later.
	NewImport Fault = "new import"
	// The faults of the spec, and of its module file.
	BrokenYAML    Fault = "broken YAML"
	UnknownField  Fault = "unknown field"
	MissingModule Fault = "missing module"
	TruncatedCode Fault = "truncated module"
	// Aborted is a good content. A user aborts its rollout in the first wave.
	Aborted Fault = "aborted"
)

// OfSpec reports whether the fault lies in the spec or in a missing file, and not in a module.
func (f Fault) OfSpec() bool { return f == BrokenYAML || f == UnknownField || f == MissingModule }

// Hostile reports whether the module makes an Envoy hang or crash.
func (f Fault) Hostile() bool { return f == Loops || f == Grows || f == NoMemory }

// Content is the content of a spec.
type Content struct {
	Stamp    string // distinguishes modules
	File     string // the module's file, without .wasm
	Config   string
	Delivery string // remote, inline or file
	OnRemove string // keep, passthrough or deny
	Disabled bool
	Code     int // bytes of code in the module in addition to the filter itself
	Fault    Fault
	Rollout  string // the section rollout; "": none
}

// Label returns the mark of the content in answers.
func (c Content) Label() Seen { return Seen(c.Stamp + "/" + c.Config) }

// Module returns the content's module for a filter.
func (c Content) Module(filter FilterName) []byte {
	switch c.Fault {
	case Garbage:
		return testfilter.Garbage(c.Stamp)
	case Loops:
		return testfilter.LoopOnConfigure(c.Stamp)
	case Grows:
		return testfilter.GrowOnConfigure(c.Stamp)
	case NoMemory:
		return testfilter.NoMemory(c.Stamp)
	}
	module := testfilter.HTTP{
		Stamp: c.Stamp, StampHeader: filter.StampHeader(), RequireToken: filter.NeedsToken(),
		EchoConfig: true, ConfigHeader: filter.ConfigHeader(), Code: c.Code,
		MissingImport: c.Fault == MissingImport, ConfigureFails: c.Fault == ConfigureFails, NewImport: c.Fault == NewImport,
	}.Module()
	if c.Fault == TruncatedCode {
		return module[:len(module)/2]
	}
	return module
}

// FilterName is the name of a filter of the world.
type FilterName string

// Filters returns the filters in the order of the chain.
func Filters() []FilterName { return []FilterName{"mark", "auth", "tag"} }

// StampHeader returns the response header with the stamp of the filter's content.
func (f FilterName) StampHeader() string { return "x-" + string(f) }

// ConfigHeader returns the response header with the filter's plugin configuration.
func (f FilterName) ConfigHeader() string { return "x-" + string(f) + "-config" }

// NeedsToken reports whether the filter refuses requests without the token.
func (f FilterName) NeedsToken() bool { return f == "auth" }

// Filter is a filter as the world should have it.
type Filter struct {
	Name FilterName
	// Spec is the content of the spec; nil: the spec was removed.
	Spec *Content
	// Removed is the onRemove of the removed spec.
	Removed string
	// Runs is the newest content that is known to run, by Envoy version. This content stays in
	// use where the spec's content does not load.
	Runs map[string]Seen
	// Everywhere are the contents that load on every Envoy. A rollback can choose any of them.
	Everywhere map[Seen]bool
	// RolledBack means a rollback is in effect, so Runs differs from the spec.
	RolledBack bool
	// Pinned means the rollback holds until the filter is unpinned, whatever the spec says.
	Pinned bool
}

// Want returns the content that an Envoy of a version should show.
func (f *Filter) Want(version string) Seen {
	switch {
	case f.Spec == nil && f.Removed == "passthrough", f.Spec != nil && f.Spec.Disabled:
		return Passed
	case f.Spec == nil && f.Removed == "deny":
		return Denied
	default:
		return f.Runs[version]
	}
}

// Plain reports whether every Envoy runs the content of the filter's spec.
func (f *Filter) Plain() bool {
	return f.Spec != nil && f.Spec.Fault == NoFault && !f.Spec.Disabled && !f.RolledBack
}

// write makes a content the newest content of the filter.
func (f *Filter) write(c Content, versions []string) {
	f.Spec = &c
	if c.Disabled || f.Pinned {
		return
	}
	if c.Fault == NoFault {
		f.Everywhere[c.Label()] = true
	}
	for _, version := range versions {
		if c.loads(version) {
			f.Runs[version] = c.Label()
			f.RolledBack = false
		}
	}
}

func (c Content) loads(version string) bool {
	if c.Fault == NewImport {
		return !slices.Contains([]string{"1.36.4", "1.37.0"}, version)
	}
	return c.Fault == NoFault
}

func (f *Filter) remove() { f.Removed, f.Spec = f.Spec.OnRemove, nil }

// rollBack makes all Envoys run an earlier content.
func (f *Filter) rollBack(to Seen) {
	for version := range f.Runs {
		f.Runs[version] = to
	}
	f.RolledBack = true
}

// unpin makes all Envoys run the content of the spec again.
func (f *Filter) unpin(versions []string) {
	f.Pinned, f.RolledBack = false, false
	f.write(*f.Spec, versions)
}

// World is the state in which all filters should be.
type World struct {
	Versions []string // of the Envoys, each once
	Filters  []*Filter
	// Preflight is the mode of the server's sandbox: enforce or off.
	Preflight string
}

// NewWorld returns a world in which no filter has a content yet.
func NewWorld(versions []string) *World {
	w := &World{Versions: versions, Preflight: "enforce"}
	for _, name := range Filters() {
		w.Filters = append(w.Filters, &Filter{Name: name, Removed: "keep", Runs: map[string]Seen{}, Everywhere: map[Seen]bool{}})
	}
	return w
}

// Plain reports whether every Envoy runs the contents of all specs.
func (w *World) Plain() bool {
	return !slices.ContainsFunc(w.Filters, func(f *Filter) bool { return !f.Plain() })
}

// Specs returns the number of filters with a spec.
func (w *World) Specs() (n int) {
	for _, f := range w.Filters {
		if f.Spec != nil {
			n++
		}
	}
	return n
}

// sum returns the sha256 of the content's module.
func (c Content) sum(filter FilterName) string { return harness.SHA256(c.Module(filter)) }

// YAML returns the spec of a content with its module at a path.
func (c Content) YAML(name FilterName, module string) string {
	text := fmt.Sprintf("name: %s\nmodule: {file: %s}\nconfig: %s\ndelivery: %s\nonRemove: %s\n", name, module, c.Config, c.Delivery, c.OnRemove)
	if c.Disabled {
		text += "disabled: true\n"
	}
	if c.Rollout != "" {
		text += "rollout: " + c.Rollout + "\n"
	}
	switch c.Fault {
	case BrokenYAML:
		text += "rollout: {canary: [\n"
	case UnknownField:
		text += "rolout: {canary: 1}\n"
	}
	return text
}
