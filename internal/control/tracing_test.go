package control

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/trace"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// TestEditsAreTraced: each edit has a root with its parts, and an edit that changes nothing has no
// span.
func TestEditsAreTraced(t *testing.T) {
	var got []string
	c := newChecked(&fakeSandbox{}, func(cfg *Config) {
		cfg.Delivery = spec.Inline
		cfg.Trace = func(s trace.Span) {
			name := s.Name
			if s.Error != "" {
				name += ": failed"
			}
			got = append(got, name)
		}
	})
	c.deliverer.sender = choosyEnvoy{c}
	config := func(text string) { c.takeAll(configured(map[string]string{"auth": text})) }
	config("good")
	c.deliverer.takeEvent(delivery.StreamOpened{Stream: 1, Node: delivery.Node{ID: "edge", Version: "1.40.0"}, ADS: true, Delta: true})
	c.deliverer.step(delivery.Requested{Stream: 1, Subscribe: []delivery.Subscription{{Name: "auth"}}})
	config("good")
	// The fake module server has a module for each filter, so an edit reads nothing.
	for _, s := range []struct {
		config string
		want   []string
	}{
		{"good 2", []string{"check in the sandbox", "edit auth", "push to edge", "wave all"}},
		{"good 2", nil},
		{"bad", []string{"check in the sandbox: failed", "edit auth: failed"}},
		{"refused", []string{"check in the sandbox", "edit auth: failed", "push to edge: failed", "wave: failed"}},
	} {
		got = nil
		config(s.config)
		slices.Sort(got)
		if diff := cmp.Diff(s.want, got); diff != "" {
			t.Errorf("%s: %s", s.config, diff)
		}
	}
}
