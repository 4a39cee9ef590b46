package adopt

import (
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Plan is the outcome: the edited text, and the meaning for people.
type Plan struct {
	Text    []byte // of the edited file; the original if nothing changes
	Changed bool
	Diff    string // a unified diff; "": nothing changes

	Added    []string   // additions besides filters, in words
	Chains   []Change   // the changed chains of filters
	Specs    []SpecFile // of the removed filters
	Warnings []Note     // for the operator to know or to do
	Notes    []Note     // differences of little weight
	// Elsewhere are the bootstrap's other files with listeners: each needs a separate run.
	Elsewhere []string
	// Snippet has the filters for listeners of another control plane; "": there are none.
	Snippet string
	// AtBoot describes the listeners before the control plane has answered.
	AtBoot string
}

// Change is a chain of filters before and after.
type Change struct {
	Listener string
	Type     spec.Type
	Pos      spec.Position
	Before   []Entry
	After    []Entry
}

// Entry is a filter of a chain.
type Entry struct {
	Name   string
	Origin Origin
}

// Origin says where a filter's configuration comes from.
type Origin string

// The origins.
const (
	FromFile    Origin = "file"        // in the file
	StaticWasm  Origin = "static_wasm" // in the file, and a Wasm filter
	FromWasmXDS Origin = "wasm-xds"    // from wasm-xds over ECDS
	FromOther   Origin = "ecds"        // from another source over ECDS
)

// Note is a remark about a place.
type Note struct {
	Message string
	Pos     spec.Position
}

func (p *Plan) warn(at spec.Position, message string) {
	p.Warnings = append(p.Warnings, Note{message, at})
}

func (p *Plan) note(at spec.Position, message string) {
	p.Notes = append(p.Notes, Note{message, at})
}

// SpecFile is a spec to write.
type SpecFile struct {
	Spec string // the spec's name
	Name string // of the file, relative to the directory of specs
	Text []byte
	// Module is the file to write beside the spec; nil: the spec names the module's URL.
	Module *ModuleFile
}

// ModuleFile is a module to write beside the spec.
type ModuleFile struct {
	Name string // of the file, relative to the directory of specs
	// From is the file to copy, as Envoy sees the path; "": Bytes are the module.
	From  string
	Bytes []byte
	// Pos is the place with the module's name.
	Pos spec.Position
}
