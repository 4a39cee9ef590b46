package desired

import (
	"cmp"
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// wishes are the wanted filters. Each name occurs once.
type wishes struct {
	filters []*snapshot.Filter
	specs   int                 // the number of filters from specs: the first ones, sorted by name
	others  map[string]struct{} // the names of the remaining filters
}

func (w *wishes) add(f *snapshot.Filter) {
	w.filters = append(w.filters, f)
	if w.others == nil {
		w.others = map[string]struct{}{}
	}
	w.others[f.Name] = struct{}{}
}

func (w *wishes) has(name string) bool {
	_, ok := slices.BinarySearchFunc(w.filters[:w.specs], name, func(f *snapshot.Filter, name string) int { return cmp.Compare(f.Name, name) })
	return ok || w.hasOther(name)
}

func (w *wishes) hasOther(name string) bool {
	_, ok := w.others[name]
	return ok
}
