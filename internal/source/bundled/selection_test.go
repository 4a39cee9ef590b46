package bundled

import (
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/test/sourcetest"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func versionOf(digest string, names ...string) *Version {
	v := &Version{Digest: digest, Documents: bundle.Documents{References: map[string]string{}}}
	for _, n := range names {
		v.Documents.Specs = append(v.Documents.Specs, &spec.Spec{Name: n})
	}
	return v
}

func problem(code, name string) *spec.Error {
	return &spec.Error{Code: code, Message: code + " happened", Name: name, Pos: spec.Position{File: "oci://r/b@x/a.yaml", Line: 3, Column: 5}}
}

func TestState(t *testing.T) {
	good, better := versionOf("sha256:1", "auth", "log"), versionOf("sha256:2", "auth")
	down := Found{Errs: []*spec.Error{problem("registry_unreachable", "")}}
	bad := Found{Digest: "sha256:3", Errs: []*spec.Error{problem("bad_yaml", "auth"), problem("bad_value", "new")}}
	type step struct {
		found Found
		want  string // "": no set
	}
	for name, steps := range map[string][]step{
		"one after the other": {
			{Found{Digest: good.Digest, Version: good}, "2 specs"},
			{Found{Digest: good.Digest}, ""},
			{Found{Digest: better.Digest, Version: better}, "1 specs"},
		},
		"down from the start":    {{down, "unavailable registry_unreachable"}, {down, ""}, {Found{Digest: good.Digest, Version: good}, "2 specs"}},
		"refused from the start": {{bad, "unavailable bundle_refused"}, {Found{Digest: "sha256:3"}, ""}, {Found{Digest: good.Digest, Version: good}, "2 specs"}},
		"down later": {
			{Found{Digest: good.Digest, Version: good}, "2 specs"},
			{down, "2 specs, degraded registry_unreachable"},
			{down, ""},
			{Found{Digest: good.Digest}, "2 specs"},
		},
		"refused, the tag goes back": {
			{Found{Digest: good.Digest, Version: good}, "2 specs"},
			{bad, "2 specs, degraded bundle_refused, errors bad_yaml of auth, bad_value of nobody"},
			{Found{Digest: "sha256:3"}, ""},
			{down, "2 specs, degraded registry_unreachable, errors bad_yaml of auth, bad_value of nobody"},
			{Found{Digest: "sha256:3"}, "2 specs, degraded bundle_refused, errors bad_yaml of auth, bad_value of nobody"},
			{Found{Digest: good.Digest}, "2 specs"},
		},
		"refused, a better one follows": {
			{Found{Digest: good.Digest, Version: good}, "2 specs"},
			{bad, "2 specs, degraded bundle_refused, errors bad_yaml of auth, bad_value of nobody"},
			{Found{Digest: better.Digest, Version: better}, "1 specs"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Selection{Root: "oci://r/b:t"}
			for i, step := range steps {
				if step.found.Version == nil && step.found.Errs == nil && !s.Knows(step.found.Digest) {
					t.Fatalf("step %d: %s is not known", i, step.found.Digest)
				}
				got := ""
				if set := s.Take(step.found); set != nil {
					got = sourcetest.Describe(*set)
				}
				if got != step.want {
					t.Errorf("step %d: got %q, want %q", i, got, step.want)
				}
			}
		})
	}
}
