package snapshot_test

import (
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestRefusalConcerns(t *testing.T) {
	old := snapshot.Refusal{Versions: []string{"1.36", "1.38"}}
	newer := snapshot.Refusal{Versions: []string{"1.39", "1.40"}, AndLater: true}
	tests := []struct {
		envoy      string
		old, newer bool
	}{
		{"1.36.4", true, false},
		{"1.37.0", false, false},
		{"1.38.2", true, false},
		{"1.39.3", false, true},
		{"1.40.0-dev", false, true},
		{"1.41.0", false, true},
		{"2.0.0", false, true},
		{"1.4.0", false, false},
		{"1.35.9", false, false}, // a version that the sandbox does not know
		{"1.36", true, false},
		{"", false, false},
		{"1", false, false},
		{"main.branch", false, false},
	}
	for _, tt := range tests {
		if got := old.Concerns(tt.envoy); got != tt.old {
			t.Errorf("%q and the old: %v", tt.envoy, got)
		}
		if got := newer.Concerns(tt.envoy); got != tt.newer {
			t.Errorf("%q and the newer: %v", tt.envoy, got)
		}
	}
}

func TestAnotherRefusalIsAnotherFilter(t *testing.T) {
	filter := func(refusals ...snapshot.Refusal) *snapshot.Filter {
		return &snapshot.Filter{Name: "a", Type: spec.HTTP, Revision: with(func(r *snapshot.Revision) { r.Refusals = refusals })}
	}
	one := snapshot.Refusal{Versions: []string{"1.36"}, Message: "needs Envoy 1.37 or later"}
	if filter(one).Equal(filter()) || filter().Equal(filter(one)) || !filter(one).Equal(filter(one)) || !filter().Equal(filter()) {
		t.Error("refusals are not compared")
	}
	if filter(one).Revision.RefusalFor("1.36.1") == nil || filter(one).Revision.RefusalFor("1.37.0") != nil {
		t.Error("the wrong version is refused")
	}
	before, after := snapshot.New([]*snapshot.Filter{filter()}), snapshot.New([]*snapshot.Filter{filter(one)})
	if len(snapshot.Diff(before, after)) != 1 || before.Version() != after.Version() {
		t.Error("refusals change what is delivered, and not the snapshot's version")
	}
}
