package preflight

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Description describes a module, and Envoy's opinion of it, without running the module.
type Description struct {
	SHA256    string   `json:"sha256"`
	Size      int      `json:"size"` // bytes
	ABIs      []string `json:"abi"`
	Language  string   `json:"language"`  // "" if unknown
	Toolchain []string `json:"toolchain"` // as in "rustc 1.80.0"
	// RootIDs are the possible values of a spec's rootId. Describe leaves them empty: see
	// [RootIDs].
	RootIDs []string `json:"rootIds"`
	// Sections are in the order of the module. Sections of one name count as one.
	Sections []DescribedSection  `json:"sections"`
	Imports  []DescribedFunction `json:"imports"`
	Exports  []DescribedFunction `json:"exports"`
	Memories []DescribedMemory   `json:"memories"`
	// Capabilities are the capabilities that a spec has to list.
	Capabilities []string `json:"capabilities"`
	// Envoy are the versions that have all imports of the module.
	Envoy    []string           `json:"envoy"`
	Problems []DescribedProblem `json:"problems"`
}

// DescribedSection is a section's size in bytes.
type DescribedSection struct {
	Name string `json:"name"`
	Size int    `json:"size"`
}

// DescribedFunction is an import or an export.
type DescribedFunction struct {
	Module    string `json:"module,omitempty"` // of imports
	Name      string `json:"name"`
	Signature string `json:"signature"` // as in (i32 i64) -> (i32)
	// Missing are the Envoy versions that lack an import, or have another signature.
	Missing []string `json:"missing,omitempty"`
}

// DescribedMemory is a memory, in pages of 64 KiB.
type DescribedMemory struct {
	Export   string  `json:"export,omitempty"`
	Imported bool    `json:"imported,omitempty"`
	Min      uint32  `json:"min"`
	Max      *uint32 `json:"max"` // null: no limit of its own
}

// DescribedProblem is a reason why some Envoys would not load the module.
type DescribedProblem struct {
	Code     string   `json:"code"`
	Step     Step     `json:"step"`
	Message  string   `json:"message"`
	Hint     string   `json:"hint,omitempty"`
	Envoy    []string `json:"envoy"` // the versions concerned
	Findings []string `json:"findings,omitempty"`
}

// Describe reads a module without running it, so it cannot find the problems of a start. If the
// bytes are no module, the error is a [*Problem].
func Describe(module []byte) (Description, error) {
	s := newStatic(Request{Module: module})
	if !s.parse() {
		p := s.problems[0]
		return Description{}, &p
	}
	s.inspect()
	info := s.binary.info
	digest := sha256.Sum256(module)
	d := Description{
		SHA256: hex.EncodeToString(digest[:]), Size: len(module),
		ABIs: append([]string{}, info.ABIs...), Language: language(info, module), Toolchain: toolchain(info), RootIDs: []string{},
		Sections: sizes(info), Imports: s.describeImports(), Exports: []DescribedFunction{},
		Memories: []DescribedMemory{}, Capabilities: Capabilities(info), Envoy: append([]string{}, s.loading()...),
		Problems: s.describeProblems(),
	}
	for _, f := range info.Exports {
		d.Exports = append(d.Exports, DescribedFunction{Name: f.Name, Signature: arrow(f.Signature)})
	}
	for _, m := range info.Memories {
		described := DescribedMemory{Export: m.Export, Imported: m.Imported, Min: m.Min}
		if m.HasMax {
			described.Max = &m.Max
		}
		d.Memories = append(d.Memories, described)
	}
	return d, nil
}

// Capabilities returns the functions that a module imports and that need Envoy's permission: the
// meaning of capabilities: auto. It is never nil.
func Capabilities(info Info) []string {
	all := []string{}
	for _, f := range info.Imports {
		isProxy := f.Module == moduleEnv && strings.HasPrefix(f.Name, "proxy_")
		if isProxy || f.Module == moduleWASI || f.Module == moduleWASIUnstable {
			all = append(all, f.Name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (s *static) describeImports() []DescribedFunction {
	all := []DescribedFunction{}
	for _, f := range s.binary.info.Imports {
		described := DescribedFunction{Module: f.Module, Name: f.Name, Signature: arrow(f.Signature)}
		known, ok := s.table.find(f.Module, f.Name)
		for _, v := range s.versions {
			if !ok || known.Signature != f.Signature || !known.in(v, s.abi) {
				described.Missing = append(described.Missing, v)
			}
		}
		all = append(all, described)
	}
	return all
}

func (s *static) describeProblems() []DescribedProblem {
	all := []DescribedProblem{}
	for _, p := range s.problems {
		concerned := p.Versions
		if concerned == nil {
			concerned = s.versions
		}
		all = append(all, DescribedProblem{
			Code: p.Code, Step: p.Step, Message: p.Message, Hint: p.Hint, Envoy: concerned, Findings: p.Detail,
		})
	}
	return all
}

func sizes(info Info) []DescribedSection {
	all := []DescribedSection{}
	for _, section := range info.Sections {
		name := oneLine(section.Name)
		if i := slices.IndexFunc(all, func(d DescribedSection) bool { return d.Name == name }); i >= 0 {
			all[i].Size += section.Size
			continue
		}
		all = append(all, DescribedSection{Name: name, Size: section.Size})
	}
	return all
}

// toolchain returns the tools in the producers section, without the language.
func toolchain(info Info) []string {
	all := []string{}
	for _, p := range info.Producers {
		if p.Field == "language" {
			continue
		}
		// Some compilers give a long greeting as their version; its first words are enough.
		entry := oneLine(strings.TrimSpace(p.Name + " " + p.Version))
		if !slices.Contains(all, entry) {
			all = append(all, entry)
		}
	}
	return all
}

// language returns the language in the producers section. If the section is stripped, it recognizes
// a toolchain's runtime by its marks.
func language(info Info, module []byte) string {
	marks := marksOf(info)
	if marks.tinygo || bytes.Contains(module, []byte("tinygo")) { // paths in its debug data; TinyGo links C, and says so
		return "Go (TinyGo)"
	}
	var named []string
	for _, p := range info.Producers {
		if p.Field == "language" && !slices.Contains(named, p.Name) {
			named = append(named, p.Name)
		}
	}
	// Rust and Zig link C, and say so.
	for _, one := range named {
		if one != "C" && !strings.HasPrefix(one, "C11") && !strings.HasPrefix(one, "C99") && !strings.HasPrefix(one, "C_plus_plus") {
			return oneLine(one)
		}
	}
	switch {
	case marks.assemblyScript:
		return "AssemblyScript"
	case marks.rust, bytes.Contains(module, []byte("/rustc/")), bytes.Contains(module, []byte("library/std/src/")):
		return "Rust" // the paths in the messages of its panics
	case marks.golang:
		return "Go"
	case marks.cpp, bytes.Contains(module, []byte("N10__cxxabiv1")), bytes.Contains(module, []byte("NSt3__2")), slices.ContainsFunc(named, func(s string) bool { return strings.HasPrefix(s, "C_plus_plus") }):
		return "C++"
	case len(named) > 0:
		return "C"
	}
	return ""
}

type marks struct{ tinygo, golang, rust, assemblyScript, cpp bool }

func marksOf(info Info) marks {
	var m marks
	for _, p := range info.Producers {
		m.tinygo = m.tinygo || strings.Contains(strings.ToLower(p.Name), "tinygo")
		m.rust = m.rust || p.Name == "rustc"
	}
	for _, s := range info.Sections {
		m.golang = m.golang || s.Name == "go:buildid" || s.Name == "go.buildid"
	}
	for _, f := range info.Exports {
		switch {
		case strings.HasPrefix(f.Name, "tinygo_"), f.Name == "asyncify_start_unwind":
			m.tinygo = true
		case f.Name == "__pin", f.Name == "__rtti_base", f.Name == "__collect":
			m.assemblyScript = true
		case f.Name == "__errno_location", f.Name == "emscripten_stack_get_end", f.Name == "_emscripten_stack_restore":
			m.cpp = true
		case strings.HasPrefix(f.Name, "_ZN"), strings.HasPrefix(f.Name, "_RN"):
			m.rust = m.rust || strings.Contains(f.Name, "17h") || strings.HasPrefix(f.Name, "_RN")
		}
	}
	for _, f := range info.Imports {
		switch {
		case f.Module == moduleEnv && f.Name == "abort":
			m.assemblyScript = true
		case f.Module == moduleEnv && strings.HasPrefix(f.Name, "emscripten_"):
			m.cpp = true
		case f.Module == moduleEnv && (strings.HasPrefix(f.Name, "runtime.") || strings.HasPrefix(f.Name, "time.")):
			m.tinygo = true
		}
	}
	return m
}
