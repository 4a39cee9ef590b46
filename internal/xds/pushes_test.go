package xds

import (
	"context"
	"fmt"
	"slices"
	"testing"

	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
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

// halfCached has all resources but one in its cache.
type halfCached struct{ named }

func (h halfCached) Cached(a delivery.Send) *wire.Resource {
	if a.Name == "other" {
		return nil
	}
	resource, _ := h.Build(context.Background(), a)
	return resource
}

// A response that could not come from the cache alone is counted once, when it is built.
func TestABuiltResponseIsCountedOnce(t *testing.T) {
	s := NewServer(t.Context(), make(recorder, 10), halfCached{}, Limits{}, zap.NewNop())
	counts := make(chan string, 10)
	s.CountPushes(func(variant string, n, _ int) { counts <- fmt.Sprint(variant, " ", n) })
	st := newDeltaStream(nil)
	s.begin(t.Context(), st, &st.stream, resourcev3.AnyType)
	a := together(st.id, salt1, "a", "b", "other")
	a.Others[0].Version.Variant = delivery.Remote
	s.Send(a)
	s.Stop()
	close(counts)
	if got := slices.Collect(func(yield func(string) bool) {
		for one := range counts {
			if !yield(one) {
				return
			}
		}
	}); !slices.Equal(got, []string{"inline 1", "remote 1", "inline 1"}) {
		t.Errorf("counted %q", got)
	}
}
