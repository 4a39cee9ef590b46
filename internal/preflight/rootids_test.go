package preflight

import (
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// A filter that knows another root id than the spec's lets everything pass: that is told, and
// refused where nothing may pass.
func TestRootIDs(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ids    []string
		given  string
		policy spec.FailurePolicy
		want   string // part of the message; "": no finding
		ok     bool
	}{
		{"right", []string{"auth_root"}, "auth_root", spec.Closed, "", true},
		{"right, of several", []string{"auth_root", "a-root-id-that-is-longer"}, "a-root-id-that-is-longer", spec.Closed, "", true},
		{"right, and empty", []string{""}, "", spec.Closed, "", true},
		{"wrong", []string{"auth_root"}, "auth", spec.Closed, `does nothing under the rootId "auth", and every request would pass; it registers "auth_root"`, false},
		{"wrong, of several", []string{"b", "a"}, "c", spec.Closed, `it registers "b", "a"`, false},
		{"wrong, of the same length", []string{"auth_root"}, "auth_rood", spec.Reload, `it registers "auth_root"`, false},
		{"wrong, and open", []string{"auth_root"}, "auth", spec.Open, `it registers "auth_root"`, true},
		{"missing", []string{"auth_root"}, "", spec.Closed, "does nothing without a rootId", false},
		{"too much", []string{""}, "auth", spec.Closed, `it registers ""`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := Check(t.Context(), sandbox.Request{Module: testfilter.RootID{IDs: tt.ids}.Module(), RootID: tt.given, FailurePolicy: tt.policy}, SmokeRequest)
			found := slices.Concat(r.Problems, r.Warnings)
			switch {
			case r.OK != tt.ok, tt.want == "" && len(found) > 0, tt.want != "" && len(found) != 1:
				t.Fatalf("%+v", r)
			case tt.want == "":
				return
			}
			if found[0].Code != finding.CodeRootIDUnknown || !strings.Contains(found[0].Message, tt.want) || found[0].Hint == "" || found[0].Versions != nil {
				t.Errorf("%+v", found[0])
			}
		})
	}
}
