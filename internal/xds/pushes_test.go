package xds

import (
	"fmt"
	"slices"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// TestPushesAreCountedAsWhatTheyCarry: a stand-in is not counted as a user's module.
func TestPushesAreCountedAsWhatTheyCarry(t *testing.T) {
	of := func(v delivery.Variant, builtIn bool, p spec.FailurePolicy) delivery.Resource {
		return delivery.Resource{Revision: &snapshot.Revision{BuiltIn: builtIn, Policy: p}, Version: delivery.Version{Variant: v}}
	}
	for want, r := range map[string]delivery.Resource{
		"remote": of(delivery.Remote, false, spec.Closed), "inline": of(delivery.Inline, false, spec.Open), "file": of(delivery.File, false, spec.Closed),
		"passthrough": of(delivery.Inline, true, spec.Open), "deny": of(delivery.Inline, true, spec.Closed),
	} {
		if got := carries(r); got != want {
			t.Errorf("%+v carries %q, want %q", r, got, want)
		}
	}
	var got []string
	count := func(variant string, n, bytes int) { got = append(got, fmt.Sprint(variant, " ", n, " ", bytes)) }
	var sent tally
	for _, one := range []struct {
		variant string
		bytes   int
	}{{"inline", 10}, {"inline", 5}, {"deny", 1}, {"inline", 2}} {
		sent.add(count, one.variant, one.bytes)
	}
	sent.flush(count)
	sent.flush(count)
	if want := []string{"inline 2 15", "deny 1 1", "inline 1 2"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
