package view

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// PrintFilter prints the story of a filter, and then all that is known of the filter. h is its
// history; nil: it is not known.
func PrintFilter(w io.Writer, f *api.Filter, h *api.History) { printFilter(w, f, h, time.Now()) }

func printFilter(w io.Writer, f *api.Filter, h *api.History, now time.Time) {
	printStory(w, f, h, now)
	fmt.Fprintln(w)
	table := display.Columns(w)
	line := func(name, value string) {
		if value == "" {
			return
		}
		value = terminal.Printable(value)
		if display.IsTerminal(w) {
			value = terminal.Fold(value, display.Width(w)-factWidth, "")
		}
		for part := range strings.SplitSeq(value, "\n") {
			table.Row(name, part)
			name = ""
		}
	}
	line("name", f.Name)
	line("type", f.Type)
	text, color := state(f)
	table.Cells(terminal.Cell{Text: "state"}, terminal.Cell{Text: text, Color: color})
	line("live", live(f))
	line("revision", f.Revision)
	line("candidate", f.Candidate)
	line("rollout", f.Rollout)
	line("stable", f.Stable)
	line("rejected", strings.Join(f.Rejected, " "))
	if f.Module.SHA256 != "" {
		line("module", fmt.Sprintf("sha256 %s, %s", f.Module.SHA256, display.Bytes(f.Module.Size)))
		if f.Module.Reference != "" {
			line("image", f.Module.Reference+" = "+f.Module.Digest)
			if f.Module.TagDigest != "" {
				line("tag now", f.Module.TagDigest)
			}
		}
	}
	for _, s := range f.Module.Signatures {
		line(signatureWords(s))
	}
	line("delivery", f.Delivery)
	line("on remove", f.OnRemove)
	line("spec", f.SpecFile)
	if f.Service != nil {
		for _, e := range f.Service.Envoys {
			line("runs on", e.Node+" in revision "+e.Revision+restartWord(e))
		}
	}
	if !f.ForgetAt.IsZero() {
		line("forgotten", display.Moment(f.ForgetAt)+", if no Envoy asks for it before")
	}
	table.Write(w)
	if len(f.Subscribers) > 0 {
		fmt.Fprintln(w)
		printSubscribers(w, f.Subscribers)
	}
	printErrorsOf(w, f)
	printEnvoyWarnings(w, *f)
	printIncomplete(w, *f)
}

// factWidth is the width of the names of facts, with the space behind.
const factWidth = 11

// signatureWords describes a signature or an attestation on a line with a name.
func signatureWords(s api.Signature) (name, value string) {
	signer := "the key " + s.Key
	switch {
	case s.Subject != "":
		signer = fmt.Sprintf("%s (issuer %s)", s.Subject, s.Issuer)
	case s.Key == "":
		signer = "a key"
	}
	if !s.Time.IsZero() {
		signer += ", " + display.Moment(s.Time)
	}
	if s.Log != "" {
		signer += fmt.Sprintf(", %s entry %d", s.Log, s.LogIndex)
	}
	if s.Kind == "attestation" {
		return "attested", spec.PredicateName(s.PredicateType) + " by " + signer
	}
	return "signed by", signer
}

func printSubscribers(w io.Writer, subscribers []api.Subscriber) {
	table := display.Columns(w, append(display.Drop("VARIANT", "ADDRESS", "SINCE", "REPLICA"),
		terminal.Step{Heading: "NODE", Least: 12}, terminal.Step{Heading: "REVISION", Least: 8}, terminal.Step{Heading: "ENVOY"})...)
	head := []string{"NODE", "ADDRESS", "ENVOY", "STATE", "REVISION", "VARIANT", "SINCE"}
	spread := slices.ContainsFunc(subscribers, func(s api.Subscriber) bool { return s.Replica != "" })
	if spread {
		head = append(head, "REPLICA")
	}
	table.Row(head...)
	for i := range subscribers {
		s := &subscribers[i]
		cells := []terminal.Cell{plain(s.Node), plain(s.Address), plain(s.Envoy), subscriberState(s.State), plain(s.Revision), plain(s.Variant), plain(display.Age(s.Since))}
		if spread {
			cells = append(cells, plain(s.Replica))
		}
		table.Cells(cells...)
	}
	table.Write(w)
}

// restartWord says whether an Envoy has to restart for the newest revision of a service.
func restartWord(e api.ServiceEnvoy) string {
	if e.Current {
		return ""
	}
	return ", until it restarts"
}
