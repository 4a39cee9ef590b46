package server

import (
	"cmp"
	"context"
	"io"

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

// printTo prints a view for people.
func (l look) printTo(out io.Writer, v *view.View) {
	l.out, l.json = out, false
	l.print(v)
}
