package control

import (
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func revisionOf(name, root string) *snapshot.Revision {
	return (&snapshot.Revision{Filter: name, Type: spec.HTTP, RootID: root, Policy: spec.Closed}).Seal()
}

func specOf(name string) *spec.Spec {
	return &spec.Spec{
		Name: name, Type: spec.HTTP, Policy: spec.Closed, OnRemove: spec.Keep, File: "/specs/" + name + ".yaml",
		Module: spec.Module{File: &spec.FileRef{Path: "/m.wasm"}},
	}
}

// describe is a plan as text: `name=root`, with `!` for removed, `-` for no revision,
// and the code of the problem behind it.
func describe(p desired.Plan) string {
	var lines []string
	for _, f := range p.Filters {
		line := f.Name + "="
		if f.Revision == nil {
			line += "-"
		} else {
			line += f.Revision.RootID
		}
		if f.Removed {
			line += "!"
		}
		if f.Disabled {
			line += "~"
		}
		if e := p.Problems[f.Name]; e != nil {
			line += " " + e.Code
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	if p.Held != nil {
		lines = append(lines, "held")
	}
	return strings.Join(lines, ", ")
}
