package merge

import (
	"maps"
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Part is the last set of one of several sources.
type Part struct {
	// Root begins the File of each of the source's specs, followed by a slash.
	Root string
	Set  *source.Set // nil: no set yet
}

// The codes of this package's errors.
const (
	CodeDuplicateName = "duplicate_name"  // two sources have a spec with the same name
	CodeNotRead       = "source_not_read" // the source has not emitted a set yet
)

// unknown returns the error of a part without a usable set, or nil.
func (p Part) unknown() *spec.Error {
	switch {
	case p.Set == nil:
		return &spec.Error{
			Code: CodeNotRead, Message: p.Root + " is still being read for the first time",
			Hint: "what was served of it before is served on", Pos: spec.Position{File: p.Root},
		}
	case p.Set.Unavailable != nil:
		e := *p.Set.Unavailable
		e.Pos = spec.Position{File: p.Root} // the same position as in BrokenFiles
		return &e
	default:
		return nil
	}
}

// describe returns the status of the part. unknown is its error, or nil.
func (p Part) describe(unknown *spec.Error) source.Part {
	if unknown != nil {
		return source.Part{Root: p.Root, Unavailable: unknown}
	}
	return source.Part{Root: p.Root, Specs: len(p.Set.Specs), Errors: len(p.Set.Errors), Degraded: p.Set.Degraded}
}

// known returns the References of a set, or nil for a missing or unavailable set.
func known(set *source.Set) map[string]string {
	if set == nil || set.Unavailable != nil {
		return nil
	}
	return set.References
}

// references combines the References of all parts. For a shared path the last part counts.
func references(parts []Part) map[string]string {
	all := map[string]string{}
	for _, p := range parts {
		maps.Copy(all, known(p.Set))
	}
	return all
}

// reference returns the combined reference of one path.
func reference(parts []Part, path string) (seen string, ok bool) {
	for _, p := range slices.Backward(parts) {
		if seen, ok = known(p.Set)[path]; ok {
			return seen, true
		}
	}
	return "", false
}
