package spec_test

import (
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestParseReference(t *testing.T) {
	sum := "sha256:" + strings.Repeat("0a", 32)
	for text, want := range map[string]spec.Reference{
		"ghcr.io/team/filter:v1":           {Registry: "ghcr.io", Repository: "team/filter", Tag: "v1"},
		"oci://localhost:5000/filter":      {Registry: "localhost:5000", Repository: "filter", Tag: "latest"},
		"localhost/filter@" + sum:          {Registry: "localhost", Repository: "filter", Digest: sum},
		"[::1]:5000/a/b:v2@" + sum:         {Registry: "[::1]:5000", Repository: "a/b", Tag: "v2", Digest: sum},
		"docker.io/filter:v1":              {Registry: "docker.io", Repository: "library/filter", Tag: "v1"},
		"10.0.0.1/deep/er/name_x.y-z:A.b-": {Registry: "10.0.0.1", Repository: "deep/er/name_x.y-z", Tag: "A.b-"},
	} {
		got, err := spec.ParseReference(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", text, got, err, want)
		}
		again, err := spec.ParseReference(got.String())
		if err != nil || again != got {
			t.Errorf("%s: written as %s it is %+v, %v", text, got, again, err)
		}
	}
}

func TestParseReferenceRefuses(t *testing.T) {
	for text, part := range map[string]string{
		"":                           "names no registry",
		"filter:v1":                  "names no registry",
		"team/filter:v1":             "names no registry",
		"https://ghcr.io/team/x":     "is a URL",
		"ghcr.io/Team/filter:v1":     "repository",
		"ghcr.io/team/../filter":     "repository",
		"ghcr.io/team/filter:":       "tag",
		"ghcr.io/team/filter:a b":    "tag",
		"ghcr.io/team/filter@v1":     "digest",
		"ghcr.io/x@sha256:" + "ABCD": "digest",
		"ghcr.io:port/x":             "registry",
		"-.io/x":                     "registry",
		"ghcr.io/":                   "repository",
		strings.Repeat("a", 2000):    "longer",
	} {
		_, err := spec.ParseReference(text)
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q: %v, want something with %q", text, err, part)
		}
	}
}

func TestReference(t *testing.T) {
	sum := "sha256:" + strings.Repeat("0a", 32)
	ref, err := spec.ParseReference("ghcr.io/team/filter:v1")
	if err != nil {
		t.Fatal(err)
	}
	if ref.Pinned() || ref.Target() != "v1" {
		t.Errorf("%v is pinned, or asks for %s", ref, ref.Target())
	}
	ref = ref.WithDigest(sum)
	if !ref.Pinned() || ref.Target() != sum || ref.String() != "ghcr.io/team/filter:v1@"+sum {
		t.Errorf("%v is not pinned, or asks for %s", ref, ref.Target())
	}
	if text := (spec.Reference{}).String(); text != "" {
		t.Errorf("the zero reference is %q", text)
	}
}
