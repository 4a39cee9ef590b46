package persist

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/seal"
	"github.com/wasm-xds/wasm-xds/internal/state"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Named are the filters that name a module, sorted.
type Named struct {
	Filters []string // their wanted or stable revision names the module
	Former  []string // a rollback may lead to the module
}

// NamedModules reads from a state directory, in use or not, the filters that name each module, by
// the module's sha256. A directory without a state has none. keys open a sealed state.
func NamedModules(dir string, keys *seal.Keys) (map[string]Named, error) {
	saved, err := Peek(dir, keys)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	named := map[string]Named{}
	for _, f := range saved.Memory.Filters {
		note := func(r *snapshot.Revision, former bool) {
			if r == nil {
				return
			}
			n := named[r.Module.SHA256]
			switch known := slices.Contains(n.Filters, f.Name); {
			case known:
			case !former:
				n.Filters = append(n.Filters, f.Name)
			case !slices.Contains(n.Former, f.Name):
				n.Former = append(n.Former, f.Name)
			}
			named[r.Module.SHA256] = n
		}
		if f.Wanted != nil {
			note(f.Wanted.Revision, false)
		}
		note(f.Stable, false)
		for _, r := range f.Older {
			note(r, true)
		}
	}
	for sum, n := range named {
		slices.Sort(n.Filters)
		slices.Sort(n.Former)
		named[sum] = n
	}
	return named, nil
}

// Peek reads the state of a state directory, in use or not. keys open a sealed state. The error
// matches [fs.ErrNotExist] for a directory without a state.
func Peek(dir string, keys *seal.Keys) (State, error) {
	text, err := state.Peek(dir, stateFile, keys)
	if err != nil {
		return State{}, err
	}
	var saved State
	if err := json.Unmarshal(text, &saved); err != nil {
		return State{}, fmt.Errorf("read the state: %w", err)
	}
	if saved.Format > stateFormat {
		return State{}, fmt.Errorf("read the state: a newer version of wasm-xds has written it, in format %d", saved.Format)
	}
	return saved, nil
}
