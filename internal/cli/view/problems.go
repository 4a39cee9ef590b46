package view

import (
	"fmt"
	"io"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// printFilterErrors prints the errors of a filter and of its Envoys, each error once.
func printFilterErrors(w io.Writer, f *api.Filter) {
	if r := f.RolloutStatus; r != nil && len(r.WaitsFor) > 0 {
		fmt.Fprintf(w, "\n%s: the rollout of revision %s waits\n", terminal.Printable(f.Name), terminal.Printable(r.Revision))
		PrintWaits(w, f)
	}
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
		fmt.Fprintf(w, "  it waits: %s\n", terminal.Printable(f.RolloutStatus.WaitsFor[i].Message))
	}
}
