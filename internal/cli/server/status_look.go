package server

import (
	"cmp"
	"context"
	"io"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/view"
)

// look is a look at a server: the subject, and the form of the output.
type look struct {
	server apiclient.Client
	name   string // of a filter; "": all
	json   bool
	out    io.Writer
	flag   string // the flag with the time of a wait; "": --wait
}

func (l look) waitFlag() string { return cmp.Or(l.flag, "--wait") }

func (l look) take(ctx context.Context) (*view.View, error) { return view.Ask(ctx, l.server, l.name) }

func (l look) print(v *view.View) {
	switch {
	case l.json && v.One:
		display.JSON(l.out, v.Filters[0])
	case l.json:
		display.JSON(l.out, v.Filters)
	case v.One:
		view.PrintFilter(l.out, &v.Filters[0], v.History)
	default:
		view.PrintFilters(l.out, v)
	}
}

// follow has the server read the specs, and hands the outcome to read. Then it takes a look after
// each change until done says so, and returns the last look; nil: there was none. The server itself
// ends its reading after the timeout, with a better reason than the end of limit.
func (l look) follow(ctx, limit context.Context, timeout time.Duration, read func(*api.Sync) error, done func(*view.View) (bool, error)) (last *view.View, err error) {
	synced := false
	err = l.server.OnChange(limit, func() (bool, error) {
		if !synced {
			outcome, err := l.server.Sync(ctx, timeout)
			if err != nil {
				return false, err
			}
			if err := read(&outcome); err != nil {
				return false, err
			}
			synced = true
		}
		v, err := l.take(limit)
		if err != nil {
			return false, err
		}
		last = v
		return done(v)
	})
	return last, err
}

// printTo prints a view for people.
func (l look) printTo(out io.Writer, v *view.View) {
	l.out, l.json = out, false
	l.print(v)
}
