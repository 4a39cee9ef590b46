package cli

import (
	"context"
	"io"

	"github.com/wasm-xds/wasm-xds/internal/apiclient"
)

// look is a look at a server: the subject, and the form of the output.
type look struct {
	server apiclient.Client
	name   string // of a filter; "": all
	json   bool
	out    io.Writer
}

func (l look) take(ctx context.Context) (*view, error) { return ask(ctx, l.server, l.name) }

func (l look) print(v *view) {
	switch {
	case l.json && v.one:
		printJSON(l.out, v.filters[0])
	case l.json:
		printJSON(l.out, v.filters)
	case v.one:
		printFilter(l.out, &v.filters[0])
	default:
		printFilters(l.out, v)
	}
}
