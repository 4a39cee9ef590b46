package view

import (
	"fmt"
	"io"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// printFilterErrors prints the waits of a filter's rollout, and the errors.
func printFilterErrors(w io.Writer, f *api.Filter) {
	if r := f.RolloutStatus; r != nil && len(r.WaitsFor) > 0 {
		fmt.Fprintln(w)
		fmt.Fprintln(w, terminal.Wrap(fmt.Sprintf("%s: the rollout of revision %s waits", terminal.Printable(f.Name), terminal.Printable(r.Revision)), display.Width(w), "  "))
		PrintWaits(w, f)
	}
	printErrorsOf(w, f)
}

// printErrorsOf prints the errors of a filter and of its Envoys, each error once.
func printErrorsOf(w io.Writer, f *api.Filter) {
	if f.Error != nil {
		fmt.Fprintln(w)
		PrintError(w, f.Name, f.Error)
	}
	for _, warning := range f.Warnings {
		fmt.Fprintln(w)
		PrintError(w, f.Name+": warning", warning)
	}
	var told perEnvoy
	for i := range f.Subscribers {
		s := &f.Subscribers[i]
		if s.Error != nil && s.State != api.SubscriberGone && !s.Warns() && (f.Error == nil || s.Error.Message != f.Error.Message) {
			told.add(s, s.Error)
		}
	}
	told.print(w, func(envoys string) string { return f.Name + " on " + envoys })
}

// printEnvoyWarnings prints the warnings about Envoys that run the filters all the same.
func printEnvoyWarnings(w io.Writer, filters ...api.Filter) {
	var told perEnvoy
	for _, f := range filters {
		var ofFilter perEnvoy
		for j := range f.Subscribers {
			s := &f.Subscribers[j]
			if s.State == api.SubscriberGone {
				continue
			}
			if s.Warns() {
				told.add(s, s.Error)
			}
			for _, warning := range s.Warnings {
				ofFilter.add(s, warning)
			}
		}
		ofFilter.print(w, func(envoys string) string { return f.Name + " on " + envoys + ": warning" })
	}
	told.print(w, func(envoys string) string { return envoys + ": warning" })
}

// PrintWaits prints the Envoys that a filter's rollout waits for.
func PrintWaits(w io.Writer, f *api.Filter) {
	if f.RolloutStatus == nil {
		return
	}
	for i := range f.RolloutStatus.WaitsFor {
		line := "  it waits: " + terminal.Printable(f.RolloutStatus.WaitsFor[i].Message)
		if display.IsTerminal(w) {
			line = terminal.Wrap(line, display.Width(w), "    ")
		}
		fmt.Fprintln(w, line)
	}
}
