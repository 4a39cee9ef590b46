package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/profile"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// ProfileOptions bound the measurement of each filter.
type ProfileOptions struct {
	Requests int
	Time     time.Duration
}

// Profile measures the filters that load, in turn: side by side they would disturb
// each other. A filter that exceeds its limits is measured, too, because a profile helps there
// most. The results are in the filters.
func Profile(ctx context.Context, stderr io.Writer, store *module.Store, filters []Filter, versions []string, p ProfileOptions) error {
	for i := range filters {
		one := &filters[i]
		if slices.ContainsFunc(one.Problems, func(p finding.Problem) bool { return p.Step != finding.StepLimits }) {
			fmt.Fprintf(stderr, "no profile of %s: it does not load\n", terminal.Printable(one.Spec.Name))
			continue
		}
		code, err := store.Read(one.Revision.Module.SHA256)
		if err != nil {
			return err
		}
		options := profile.Options{Requests: p.Requests, Time: p.Time, Progress: progress(stderr, one.Spec.Name)}
		result, ok := examine.Profile(ctx, one.Result, one.Spec, code, one.Revision.Config, versions, options)
		clearProgress(stderr)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if !ok {
			continue
		}
		one.profile = &result
		one.Warnings = append(one.Warnings, result.Warnings...)
		if result.Problem != nil {
			one.Problems = append(one.Problems, *result.Problem)
		}
	}
	return nil
}

// progress shows the progress of a profile on a terminal.
func progress(w io.Writer, name string) func(done, of int) {
	if !display.IsTerminal(w) {
		return nil
	}
	return func(done, of int) {
		fmt.Fprintf(w, "\r\x1b[Kprofile of %s: %d of %d requests", terminal.Printable(name), done, of)
	}
}

func clearProgress(w io.Writer) {
	if display.IsTerminal(w) {
		fmt.Fprint(w, "\r\x1b[K")
	}
}
