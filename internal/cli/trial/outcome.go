// Package trial tries the filters of specs in the sandbox, and prints the outcome as wasm-xds check
// does. The commands that try filters first, as push, use it, too.
//
// [Run] tries filters, [Profile] measures them, and [Print] prints the [Outcome]: text.go and
// profiletext.go for people, json.go and junit.go for programs.
package trial

import (
	"context"
	"errors"

	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Outcome has the findings of check, or of another command that tries filters first.
type Outcome struct {
	Errors  []*spec.Error // of documents and their references
	Filters []Filter
	warn    bool // findings of the sandbox are warnings
}

// problems counts the problems that make check fail.
func (r Outcome) problems() int {
	n := len(r.Errors)
	for _, e := range r.Filters {
		if !r.warn {
			n += len(e.Errors(e.Spec))
		}
	}
	return n
}

// OK says whether there is no problem that makes check fail.
func (r Outcome) OK() bool { return r.problems() == 0 }

// Run tries filters. Their modules are in the store.
func Run(ctx context.Context, store *module.Store, good []load.Resolved, how Options) (Outcome, error) {
	r := Outcome{warn: how.Mode == examine.Warn}
	if how.Mode == examine.Off {
		for _, one := range good {
			r.Filters = append(r.Filters, Filter{Resolved: one})
		}
		return r, nil
	}
	filters, err := examineAll(ctx, store, good, how)
	if ctx.Err() != nil {
		return r, errors.New("interrupted")
	}
	r.Filters = filters
	return r, err
}
