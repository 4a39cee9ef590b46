package snapshot_test

import (
	"slices"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestLosses(t *testing.T) {
	yes, no := true, false
	all := &snapshot.Revision{
		Policy: spec.Reload, Backoff: time.Second, AllowOnHeadersStopIteration: &yes, Capabilities: []string{"proxy_log"},
		VM: snapshot.VM{Env: map[string]string{"A": "1"}, HostEnv: []string{"B"}},
	}
	everyEnvoy := &snapshot.Revision{Policy: spec.Open, AllowOnHeadersStopIteration: &no}
	nothingAllowed := &snapshot.Revision{Policy: spec.Closed, Capabilities: []string{}}
	vm := []spec.Setting{spec.SettingCapabilities, spec.SettingEnv, spec.SettingHostEnv}
	for _, tt := range []struct {
		name     string
		revision *snapshot.Revision
		envoy    string
		want     []spec.Setting
	}{
		{"all", all, "1.17.4", append(slices.Clone(vm), spec.SettingFailurePolicy, spec.SettingStopIteration)},
		{"all", all, "1.18.2", []spec.Setting{spec.SettingFailurePolicy, spec.SettingStopIteration}},
		{"all", all, "1.22.0", []spec.Setting{spec.SettingFailurePolicy, spec.SettingStopIteration}},
		{"all", all, "1.32.9", []spec.Setting{spec.SettingFailurePolicy, spec.SettingStopIteration}},
		{"all", all, "1.33.0", []spec.Setting{spec.SettingStopIteration}},
		{"all", all, "1.34.0-dev", []spec.Setting{spec.SettingStopIteration}},
		{"all", all, "1.35", nil},
		{"all", all, "1.40.0", nil},
		{"all", all, "2.0.0", nil},
		{"all", all, "", nil},
		{"all", all, "dev", nil},
		{"said by every Envoy", everyEnvoy, "1.16.0", nil},
		{"no call is allowed", nothingAllowed, "1.17.0", []spec.Setting{spec.SettingCapabilities}},
		{"no call is allowed", nothingAllowed, "1.22.0", nil},
		{"plain", &snapshot.Revision{Policy: spec.Closed}, "1.16.0", nil},
	} {
		var got []spec.Setting
		for _, l := range tt.revision.Losses(tt.envoy) {
			got = append(got, l.Setting)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s on %q: %v, want %v", tt.name, tt.envoy, got, tt.want)
		}
	}
}

// TestASettingThatCanBeLostCanBeAccepted shows that acceptLoss has a name for each loss.
func TestASettingThatCanBeLostCanBeAccepted(t *testing.T) {
	yes := true
	r := &snapshot.Revision{
		Policy: spec.Reload, AllowOnHeadersStopIteration: &yes, Capabilities: []string{},
		VM: snapshot.VM{Env: map[string]string{"A": "1"}, HostEnv: []string{"B"}},
	}
	losses := r.Losses("1.0.0")
	if len(losses) != len(spec.Settings()) {
		t.Errorf("%d of %d settings can be lost", len(losses), len(spec.Settings()))
	}
	for _, l := range losses {
		if !slices.Contains(spec.Settings(), l.Setting) {
			t.Errorf("acceptLoss does not know %q", l.Setting)
		}
	}
}

// TestPlainRevisionsCostNothing matters because delivery asks often, and for each subscriber.
func TestPlainRevisionsCostNothing(t *testing.T) {
	r := &snapshot.Revision{Policy: spec.Closed}
	if n := testing.AllocsPerRun(10, func() { r.Losses("1.36.4") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAcceptLossIsPartOfAFilterAndNotOfARevision(t *testing.T) {
	s := &spec.Spec{Name: "auth", Policy: spec.Reload}
	before := snapshot.FromSpec(s, snapshot.Module{}, nil)
	s.AcceptLoss = []spec.Setting{spec.SettingFailurePolicy}
	if after := snapshot.FromSpec(s, snapshot.Module{}, nil); after.ID != before.ID {
		t.Error("acceptLoss makes another revision")
	}
	a := &snapshot.Filter{Name: "auth", Revision: before}
	b := &snapshot.Filter{Name: "auth", Revision: before, AcceptLoss: s.AcceptLoss}
	if a.Equal(b) || snapshot.New([]*snapshot.Filter{a}).Version() == snapshot.New([]*snapshot.Filter{b}).Version() {
		t.Error("filters that accept other losses are said to be the same")
	}
}
