package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// PrintFilter prints all that is known of a filter.
func PrintFilter(w io.Writer, f *api.Filter) {
	table := terminal.Table{Style: display.Style(w)}
	line := func(name, value string) {
		if value != "" {
			table.Row(name, terminal.Printable(value))
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
	if !f.ForgetAt.IsZero() {
		line("forgotten", display.Moment(f.ForgetAt)+", if no Envoy asks for it before")
	}
	table.Write(w)
	switch f.Condition {
	case api.ConditionNoEnvoy:
		fmt.Fprintln(w, "\nno Envoy asks for it")
	case api.ConditionEnvoysGone:
		fmt.Fprintln(w, "\nno Envoy asks for it any more")
	default:
	}
	if len(f.Subscribers) > 0 {
		fmt.Fprintln(w)
		printSubscribers(w, f.Subscribers)
	}
	printFilterErrors(w, f)
	printEnvoyWarnings(w, *f)
}

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
	table := terminal.Table{Style: display.Style(w)}
	table.Row("NODE", "ADDRESS", "ENVOY", "STATE", "REVISION", "VARIANT", "SINCE")
	for i := range subscribers {
		s := &subscribers[i]
		table.Cells(plain(s.Node), plain(s.Address), plain(s.Envoy), subscriberState(s.State), plain(s.Revision), plain(s.Variant), plain(display.Age(s.Since)))
	}
	table.Write(w)
}
