package control

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// seenSandbox has no findings, and keeps the specs of all calls.
type seenSandbox struct{ seen chan *spec.Spec }

func (s seenSandbox) Examine(_ context.Context, f *spec.Spec, _ snapshot.Module, _ *string) (examine.Findings, *spec.Error) {
	s.seen <- f
	return examine.Findings{}, nil
}

// The values of vm.hostEnv are for the sandbox alone. Findings hold only for the values that they
// were made with.
func TestHostEnvIsForTheSandbox(t *testing.T) {
	disk, x := &memoryDisk{files: map[string][]byte{}}, seenSandbox{make(chan *spec.Spec, 10)}
	for _, tt := range []struct {
		value string
		runs  int
	}{{"one-secret", 1}, {"one-secret", 0}, {"another-secret", 1}, {"one-secret", 0}} {
		c := newChecked(x, func(cfg *Config) { cfg.Files, cfg.HostEnv = disk, map[string]string{"TOKEN": tt.value} })
		set := configured(map[string]string{"a": "good"})
		set.Specs[0].VM.HostEnv = []string{"TOKEN"}
		c.takeAndWait(set)
		c.saves.last()
		if len(x.seen) != tt.runs {
			t.Errorf("%s: %d runs, want %d", tt.value, len(x.seen), tt.runs)
		}
		for len(x.seen) > 0 {
			if tried := (<-x.seen).VM; tried.Env["TOKEN"] != tt.value || len(tried.HostEnv) != 0 {
				t.Errorf("the sandbox got %+v", tried)
			}
		}
		if vm := c.view.Snapshot.Get("a").Revision.VM; len(vm.Env) != 0 || !slices.Equal(vm.HostEnv, []string{"TOKEN"}) {
			t.Errorf("Envoy would get %+v", vm)
		}
	}
	for name, text := range disk.files {
		if strings.Contains(string(text), "secret") {
			t.Errorf("%s holds a value", name)
		}
	}
}
