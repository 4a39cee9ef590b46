package translate_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

// TestNothingIsLeftOutWithoutALoss compares the translation with [snapshot.Revision.Losses]. A
// setting that leaves no trace in the resource for some version is a loss on that version. A
// setting in a field that the version does not know is a loss, too.
func TestNothingIsLeftOutWithoutALoss(t *testing.T) {
	yes, no := true, false
	plain := revision(nil)
	for _, tt := range []struct {
		setting string
		change  func(*snapshot.Revision)
		since   int  // the first minor version that obeys; 0: all do
		always  bool // it is sent to older ones as well, and they ignore it
	}{
		{"failurePolicy: reload", func(r *snapshot.Revision) { r.Policy, r.Backoff = spec.Reload, time.Second }, 33, false},
		{"failurePolicy: open", func(r *snapshot.Revision) { r.Policy = spec.Open }, 0, true},
		{"allowOnHeadersStopIteration: true", func(r *snapshot.Revision) { r.AllowOnHeadersStopIteration = &yes }, 35, false},
		{"capabilities", func(r *snapshot.Revision) { r.Capabilities = []string{"proxy_log"} }, 18, true},
		{"capabilities: []", func(r *snapshot.Revision) { r.Capabilities = []string{} }, 18, true},
		{"vm.env", func(r *snapshot.Revision) { r.VM.Env = map[string]string{"A": "1"} }, 18, true},
		{"vm.hostEnv", func(r *snapshot.Revision) { r.VM.HostEnv = []string{"A"} }, 18, true},
		{"vm.id", func(r *snapshot.Revision) { r.VM.ID = "shared" }, 0, true},
		{"vm.config", func(r *snapshot.Revision) { r.VM.Config = text("x") }, 0, true},
		{"vm.runtime", func(r *snapshot.Revision) { r.VM.Runtime = "envoy.wasm.runtime.wamr" }, 0, true},
		{"vm.allowPrecompiled", func(r *snapshot.Revision) { r.VM.AllowPrecompiled = true }, 0, true},
		{"config", func(r *snapshot.Revision) { r.Config = text("x") }, 0, true},
		{"rootId", func(r *snapshot.Revision) { r.RootID = "x" }, 0, true},
	} {
		r := revision(tt.change)
		for minor := 16; minor <= 42; minor++ {
			v := translate.Version{Major: 1, Minor: minor}
			with, without := marshalled(t, r, v), marshalled(t, plain, v)
			if said := !bytes.Equal(with, without); said != (tt.always || minor >= tt.since) {
				t.Errorf("%s for Envoy %v: in the resource %v", tt.setting, v, said)
			}
			if lost := len(r.Losses(v.String())) > 0; lost != (minor < tt.since) {
				t.Errorf("%s for Envoy %v: lost %v", tt.setting, v, lost)
			}
		}
		if lost := r.Losses(noVersion.String()); lost != nil || bytes.Equal(marshalled(t, r, noVersion), marshalled(t, plain, noVersion)) {
			t.Errorf("%s for an Envoy of an unknown version: lost %v", tt.setting, lost)
		}
	}
	// An Envoy without the field behaves as with false: nothing is lost where that is left out.
	r := revision(func(r *snapshot.Revision) { r.AllowOnHeadersStopIteration = &no })
	if lost := r.Losses(v1_34.String()); lost != nil {
		t.Errorf("allowOnHeadersStopIteration: false: lost %v", lost)
	}
}

func marshalled(t *testing.T, r *snapshot.Revision, v translate.Version) []byte {
	t.Helper()
	data, err := translate.Marshal(r, remoteCode(), testSalt, v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
