package server

import (
	"context"
	"fmt"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/view"
)

// watch prints at once and after each change, until ctx ends. On a terminal watch prints the whole
// view, elsewhere a line for each changed filter. JSON is printed whole after a change.
func watch(ctx context.Context, l look) error {
	var last *view.View
	err := l.server.OnChange(ctx, func() (bool, error) {
		v, err := l.take(ctx)
		if err != nil {
			return false, err
		}
		switch {
		case display.IsTerminal(l.out) && !l.json:
			fmt.Fprint(l.out, "\x1b[H\x1b[2J")
			l.print(v)
		case last == nil:
			l.print(v)
		case l.json:
			if len(view.Changes(last, v)) > 0 {
				l.print(v)
			}
		default:
			for _, line := range view.Changes(last, v) {
				fmt.Fprintln(l.out, time.Now().Format(time.TimeOnly), line)
			}
		}
		last = v
		return false, nil
	})
	if ctx.Err() == nil {
		return err
	}
	return nil // the end was asked for
}
