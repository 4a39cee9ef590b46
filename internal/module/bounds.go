package module

import (
	"errors"
	"fmt"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// CodeOutside is the code of the error for a file that a spec may not read.
const CodeOutside = "outside_files_root"

// CheckBounds returns an error for the first file that a spec may not read. It reads nothing.
func CheckBounds(s *spec.Spec) *spec.Error {
	problem := checkBounds(s.Module)
	others := s.HealthFiles
	if s.ConfigFrom != nil {
		others = append([]*spec.FileRef{s.ConfigFrom}, others...)
	}
	for _, ref := range others {
		if problem == nil {
			problem = outside(ref, (*regular.Bounds)(ref.Bounds).Check(ref.Path))
		}
	}
	if problem != nil {
		problem.Name = s.Name
	}
	return problem
}

// checkBounds returns an error for the first file of a module's section that a spec may not read.
func checkBounds(m spec.Module) *spec.Error {
	for _, ref := range m.Files() {
		if problem := outside(ref, (*regular.Bounds)(ref.Bounds).Check(ref.Path)); problem != nil {
			return problem
		}
	}
	return nil
}

// outside turns an error about the place of a file into a spec error. It returns nil for any other
// error.
func outside(ref *spec.FileRef, err error) *spec.Error {
	var place *regular.OutsideError
	if !errors.As(err, &place) {
		return nil
	}
	leads := ""
	if place.Real != ref.Path {
		leads = ", which leads to " + place.Real + ","
	}
	e := &spec.Error{Code: CodeOutside, Pos: ref.Pos}
	if place.Excepted {
		e.Message = fmt.Sprintf("%s%s may not be read by a spec: it belongs to wasm-xds itself", ref.As, leads)
		e.Hint = "name another file"
		return e
	}
	roots := strings.Join(ref.Bounds.Shown(), " and ")
	e.Message = fmt.Sprintf("%s%s may not be read by a spec: it lies outside of %s", ref.As, leads, roots)
	e.Hint = fmt.Sprintf("move the file there, or name its directory with --files-root, and %s with another --files-root", roots)
	return e
}
