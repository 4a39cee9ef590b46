package dev

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/view"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// follower follows a server: it wires the filters into Envoy, and prints each change.
type follower struct {
	server  apiclient.Client
	dir     string // of the specs
	tries   tries
	wiring  wiring
	report  report
	answers answers
	label   string // before each line about a revision
	out     io.Writer
	ready   bool // the requests to try were printed
}

// wire writes Envoy's configuration for the server's filters.
func (f *follower) wire(ctx context.Context) error {
	v, err := view.Ask(ctx, f.server, "")
	if err != nil {
		return err
	}
	f.tellTrouble(v)
	if len(v.Filters) == 0 {
		fmt.Fprintf(f.out, "no spec in %s can be served yet: dev waits for one\n", relative(f.dir))
	}
	return f.wiring.begin(v)
}

// follow prints each change and wires new specs, until ctx ends.
func (f *follower) follow(ctx context.Context) error {
	err := f.server.OnChange(ctx, func() (bool, error) {
		v, err := view.Ask(ctx, f.server, "")
		if err != nil {
			return false, err
		}
		rewired, err := f.wiring.update(v)
		if err != nil {
			return false, err
		}
		changes := f.report.look(v)
		f.tellTrouble(v)
		if !f.ready { // at the start, a table has all filters
			changes = slices.DeleteFunc(changes, func(c change) bool { return c.before == onEnvoy{} })
		}
		f.tell(ctx, changes)
		if !f.ready && !rewired && v.Live() {
			f.ready = true
			f.tries.http, f.tries.tcp = f.wiring.addresses()
			f.tries.print(f.out, v)
			f.ask(ctx, v)
		} else if f.ready && len(changes) > 0 && !rewired {
			f.ask(ctx, v)
		}
		return false, nil
	})
	if ctx.Err() == nil {
		return err
	}
	return nil // the end was asked for
}

// ask sends the user's requests through the HTTP filters, or through the network filters if there
// are no others.
func (f *follower) ask(ctx context.Context, v *view.View) {
	http, tcp := f.wiring.addresses()
	address := tcp
	if slices.ContainsFunc(v.Filters, func(f api.Filter) bool { return f.Type == string(spec.HTTP) && wired(&f) }) {
		address = http
	}
	f.answers.ask(ctx, address, f.out)
}

// tell prints a line for each change.
func (f *follower) tell(ctx context.Context, changes []change) {
	width := 0
	for _, change := range changes {
		width = max(width, len(change.name))
	}
	for _, change := range changes {
		fmt.Fprintln(f.out, f.label+change.line(width, f.wantedSince(ctx, change)))
	}
}

// wantedSince is when the change's revision became wanted; zero: unknown.
func (f *follower) wantedSince(ctx context.Context, change change) time.Time {
	if change.now.revision == "" {
		return time.Time{}
	}
	history, err := f.server.History(ctx, change.name)
	if err != nil {
		return time.Time{} // the line has no duration then
	}
	for _, r := range history.Revisions {
		if r.Revision == change.now.revision && r.Wanted {
			return r.Since
		}
	}
	return time.Time{}
}

func (f *follower) tellTrouble(v *view.View) {
	// Lines of files may have changed meanwhile: read the files again.
	if text, changed := f.report.trouble(v, &display.SourceLines{}); changed {
		fmt.Fprint(f.out, text)
	}
}
