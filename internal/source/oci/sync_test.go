package oci

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/internal/source/bundled"
	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// TestSyncLooksNow uses an hour between two looks. A bundle that was pushed before the call is
// emitted before Sync returns. Sync returns an error for a refused or unavailable bundle.
func TestSyncLooksNow(t *testing.T) {
	r := newRig(t, registrytest.Options{})
	r.push(files(moduleOne, "1"))
	r.cfg.Refresh = time.Hour
	s := New(r.cfg)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	sets := make(chan source.Set, 100)
	go func() { ended <- s.Run(ctx, func(set source.Set) { sets <- set }) }()
	<-sets

	r.push(files(moduleOne, "2"))
	if err := s.Sync(ctx); err != nil || len(sets) != 1 {
		t.Errorf("Sync = %v, and %d sets were emitted", err, len(sets))
	}
	problem := &spec.Error{}
	r.push(map[string]string{"auth.yaml": "module: 1\n"})
	if err := s.Sync(ctx); !errors.As(err, &problem) || problem.Code != bundled.CodeRefused {
		t.Errorf("a bundle with an error: %v", err)
	}
	r.registry.Stop()
	if err := s.Sync(ctx); !errors.As(err, &problem) || problem.Code != registry.CodeUnreachable {
		t.Errorf("a registry that is gone: %v", err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := s.Sync(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a source that has ended: %v", err)
	}
}
