package static

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
)

// Description describes a module, and Envoy's opinion of the module, without running the module.
type Description struct {
	SHA256    string   `json:"sha256"`
	Size      int      `json:"size"` // bytes
	ABIs      []string `json:"abi"`
	Language  string   `json:"language"`  // "" if unknown
	Toolchain []string `json:"toolchain"` // as in "rustc 1.80.0"
	// RootIDs are the possible values of a spec's rootId. Describe leaves them empty: the
	// package rootid finds them.
	RootIDs []string `json:"rootIds"`
	// Sections are in the order of the module. Sections of the same name are added up.
	Sections []DescribedSection  `json:"sections"`
	Imports  []DescribedFunction `json:"imports"`
	Exports  []DescribedFunction `json:"exports"`
	Memories []DescribedMemory   `json:"memories"`
	// Capabilities are the necessary capabilities in a spec.
	Capabilities []string `json:"capabilities"`
	// Envoy are the versions with all imports of the module.
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
	// Missing are the Envoy versions without an import, or with another signature.
	Missing []string `json:"missing,omitempty"`
}

// DescribedMemory is a memory, in pages of 64 KiB.
type DescribedMemory struct {
	Export   string  `json:"export,omitempty"`
	Imported bool    `json:"imported,omitempty"`
	Min      uint32  `json:"min"`
	Max      *uint32 `json:"max"` // null: no limit
}

// DescribedProblem is a reason why some Envoys would not load the module.
type DescribedProblem struct {
	Code     string       `json:"code"`
	Step     finding.Step `json:"step"`
	Message  string       `json:"message"`
	Hint     string       `json:"hint,omitempty"`
	Envoy    []string     `json:"envoy"` // the versions concerned
	Findings []string     `json:"findings,omitempty"`
}

// Describe reads a module without running the module, and cannot find the problems of a start. If
// the bytes are no module, the error is a [*finding.Problem].
func Describe(module []byte) (Description, error) {
	m, p := Parse(module, nil)
	if p != nil {
		return Description{}, p
	}
	found := finding.NewList(envoy.Versions())
	abi := Check(m, Options{}, found)
	digest := sha256.Sum256(module)
	d := Description{
		SHA256: hex.EncodeToString(digest[:]), Size: len(module),
		ABIs: append([]string{}, ABIs(m)...), Language: language(m, module), Toolchain: toolchain(m), RootIDs: []string{},
		Sections: sizes(m), Imports: describeImports(m, abi), Exports: []DescribedFunction{},
		Memories: []DescribedMemory{}, Capabilities: Capabilities(m), Envoy: append([]string{}, found.Loading()...),
		Problems: describeProblems(found),
	}
	for _, f := range m.Exports {
		d.Exports = append(d.Exports, DescribedFunction{Name: f.Name, Signature: Arrow(f.Signature)})
	}
	for _, one := range m.Memories {
		described := DescribedMemory{Export: one.Export, Imported: one.Imported, Min: one.Min}
		if one.HasMax {
			described.Max = &one.Max
		}
		d.Memories = append(d.Memories, described)
	}
	return d, nil
}

func describeImports(m *wasmbin.Module, abi string) []DescribedFunction {
	all := []DescribedFunction{}
	for _, f := range m.Imports {
		described := DescribedFunction{Module: f.Module, Name: f.Name, Signature: Arrow(f.Signature)}
		known, ok := envoy.FindFunction(f.Module, f.Name)
		for _, v := range envoy.Versions() {
			if !ok || known.Signature != f.Signature || !known.In(v, abi) {
				described.Missing = append(described.Missing, v)
			}
		}
		all = append(all, described)
	}
	return all
}

func describeProblems(found *finding.List) []DescribedProblem {
	all := []DescribedProblem{}
	for _, p := range found.Problems() {
		concerned := p.Versions
		if concerned == nil {
			concerned = found.Versions()
		}
		all = append(all, DescribedProblem{
			Code: p.Code, Step: p.Step, Message: p.Message, Hint: p.Hint, Envoy: concerned, Findings: p.Detail,
		})
	}
	return all
}

func sizes(m *wasmbin.Module) []DescribedSection {
	all := []DescribedSection{}
	for _, section := range m.Sections {
		name := finding.OneLine(section.Name)
		if i := slices.IndexFunc(all, func(d DescribedSection) bool { return d.Name == name }); i >= 0 {
			all[i].Size += section.Size
			continue
		}
		all = append(all, DescribedSection{Name: name, Size: section.Size})
	}
	return all
}
