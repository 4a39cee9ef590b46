package view

import (
	"bytes"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/test/apitest"
)

// TestOneRefusalIsPrintedOnce: on the filter, and on each Envoy with the same refusal.
func TestOneRefusalIsPrintedOnce(t *testing.T) {
	refusal := api.Error{Code: "rejected_by_envoy", Message: "Envoy 1.40.0 refused it", Hint: "see its log"}
	f := apitest.LiveFilter("auth")
	own := refusal
	own.File = "/specs/auth.yaml"
	f.Error = &own
	f.Subscribers = nil
	for _, node := range []string{"a", "b", "c", "d", "e"} {
		one := refusal
		f.Subscribers = append(f.Subscribers, api.Subscriber{Node: node, Address: node, State: api.SubscriberRejected, Error: &one})
	}
	var out bytes.Buffer
	printFilterErrors(&out, &f)
	if want := "\nauth: /specs/auth.yaml: Envoy 1.40.0 refused it\n  hint: see its log\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	f.Error = nil
	out.Reset()
	printFilterErrors(&out, &f)
	if want := "\nauth on a (a), b (b), c (c), 2 more Envoys: Envoy 1.40.0 refused it\n  hint: see its log\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
