package control

import (
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/tags"
	"github.com/wasm-xds/wasm-xds/internal/track"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The listeners start once there is something to serve, or after a while.
func TestTheStartupWaits(t *testing.T) {
	began := time.Unix(1000, 0)
	set := func(specs ...*spec.Spec) *source.Set {
		return &source.Set{Specs: specs, References: map[string]string{}}
	}
	download := scaledSpec(0, "one")
	download.Module = spec.Module{URL: "https://example.com/a.wasm", SHA256: "00"}
	for _, tt := range []struct {
		name   string
		set    *source.Set // nil: none comes
		silent bool
		due    time.Duration // until the startup waits no longer; 0: it waits for nothing
		// after firstSnapshotWait and a moment:
		nothingRead, ready bool
	}{
		{name: "a source that is silent", silent: true, due: firstSnapshotWait, nothingRead: true, ready: true},
		{name: "a source that cannot be read", ready: false},
		{name: "an empty set", set: set(), ready: true},
		{name: "a local file", set: set(scaledSpec(0, "one")), ready: true},
		{name: "a download", set: set(download), due: firstSnapshotWait, ready: true},
	} {
		s := startup{loaded: make(chan struct{})}
		known := tags.New(retryPauses())
		specs := track.New(track.Config{Tags: known, Places: 1, Pauses: retryPauses()})
		if tt.set != nil {
			s.setCame(began)
			specs.TakeSet(tt.set)
			specs.Advance(began)
		}
		due := s.due(specs, tt.silent, began, began)
		if (tt.due == 0) != due.IsZero() || tt.due > 0 && due.Sub(began) != tt.due {
			t.Errorf("%s: it waits for %v, want %v", tt.name, due.Sub(began), tt.due)
		}
		if tt.due > 0 && (s.late(specs, tt.silent, began, due.Add(-time.Millisecond)) || s.ready.Load()) {
			t.Errorf("%s: it does not wait", tt.name)
		}
		late := began.Add(firstSnapshotWait)
		if got := s.late(specs, tt.silent, began, late); got != tt.nothingRead || s.ready.Load() != tt.ready {
			t.Errorf("%s: nothing was read: %v, want %v; ready %v, want %v", tt.name, got, tt.nothingRead, s.ready.Load(), tt.ready)
		}
		if s.waits(specs, late) {
			t.Errorf("%s: it waits for ever", tt.name)
		}
	}
}
