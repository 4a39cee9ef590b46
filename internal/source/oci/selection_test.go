package oci

import (
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func versionOf(digest string, names ...string) *version {
	v := &version{digest: digest, documents: bundle.Documents{References: map[string]string{}}}
	for _, n := range names {
		v.documents.Specs = append(v.documents.Specs, &spec.Spec{Name: n})
	}
	return v
}

func problem(code, name string) *spec.Error {
	return &spec.Error{Code: code, Message: code + " happened", Name: name, Pos: spec.Position{File: "oci://r/b@x/a.yaml", Line: 3, Column: 5}}
}

func TestState(t *testing.T) {
	good, better := versionOf("sha256:1", "auth", "log"), versionOf("sha256:2", "auth")
	down := found{errs: []*spec.Error{problem("registry_unreachable", "")}}
	bad := found{digest: "sha256:3", errs: []*spec.Error{problem("bad_yaml", "auth"), problem("bad_value", "new")}}
	type step struct {
		found found
		want  string // "": no set
	}
	for name, steps := range map[string][]step{
		"one after the other": {
			{found{digest: good.digest, version: good}, "2 specs"},
			{found{digest: good.digest}, ""},
			{found{digest: better.digest, version: better}, "1 specs"},
		},
		"down from the start":    {{down, "unavailable registry_unreachable"}, {down, ""}, {found{digest: good.digest, version: good}, "2 specs"}},
		"refused from the start": {{bad, "unavailable bundle_refused"}, {found{digest: "sha256:3"}, ""}, {found{digest: good.digest, version: good}, "2 specs"}},
		"down later": {
			{found{digest: good.digest, version: good}, "2 specs"},
			{down, "2 specs, degraded registry_unreachable"},
			{down, ""},
			{found{digest: good.digest}, "2 specs"},
		},
		"refused, the tag goes back": {
			{found{digest: good.digest, version: good}, "2 specs"},
			{bad, "2 specs, degraded bundle_refused, errors bad_yaml of auth, bad_value of nobody"},
			{found{digest: "sha256:3"}, ""},
			{down, "2 specs, degraded registry_unreachable, errors bad_yaml of auth, bad_value of nobody"},
			{found{digest: "sha256:3"}, "2 specs, degraded bundle_refused, errors bad_yaml of auth, bad_value of nobody"},
			{found{digest: good.digest}, "2 specs"},
		},
		"refused, a better one follows": {
			{found{digest: good.digest, version: good}, "2 specs"},
			{bad, "2 specs, degraded bundle_refused, errors bad_yaml of auth, bad_value of nobody"},
			{found{digest: better.digest, version: better}, "1 specs"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &selection{root: "oci://r/b:t"}
			for i, step := range steps {
				if step.found.version == nil && step.found.errs == nil && !s.knows(step.found.digest) {
					t.Fatalf("step %d: %s is not known", i, step.found.digest)
				}
				got := ""
				if set := s.take(step.found); set != nil {
					got = describe(*set)
				}
				if got != step.want {
					t.Errorf("step %d: got %q, want %q", i, got, step.want)
				}
			}
		})
	}
}

func describe(set source.Set) string {
	if set.Unavailable != nil {
		return "unavailable " + set.Unavailable.Code
	}
	text := string('0'+rune(len(set.Specs))) + " specs"
	if set.Degraded != nil {
		text += ", degraded " + set.Degraded.Code
	}
	for i, e := range set.Errors {
		if i == 0 {
			text += ", errors "
		} else {
			text += ", "
		}
		of := e.Name
		if of == "" {
			of = "nobody"
		}
		text += e.Code + " of " + of
	}
	return text
}

func TestPause(t *testing.T) {
	for _, test := range []struct {
		refresh, atLeast time.Duration
		random           float64
		want             time.Duration
	}{
		{time.Minute, 0, 0, 54 * time.Second},
		{time.Minute, 0, 0.5, time.Minute},
		{time.Minute, 0, 1, 66 * time.Second},
		{time.Minute, time.Hour, 0.5, time.Hour},
		{time.Minute, time.Second, 0.5, time.Minute},
	} {
		if got := pause(test.refresh, test.atLeast, test.random); got != test.want {
			t.Errorf("pause(%v, %v, %v) = %v, want %v", test.refresh, test.atLeast, test.random, got, test.want)
		}
	}
}
