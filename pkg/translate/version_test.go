package translate_test

import (
	"bytes"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"

	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

func TestParseVersion(t *testing.T) {
	for _, c := range []struct {
		text string
		want translate.Version
	}{
		{"1.40.0", v1_40},
		{"v1.40.0", v1_40},
		{"1.40", v1_40},
		{"1.36.4-dev", v1_36},
		{"1.36.4+abc", v1_36},
		{"1.36.4/Clean/RELEASE", v1_36},
		{"", noVersion},
		{"0.0.0", noVersion},
		{"envoy", noVersion},
		{"1.", noVersion},
		{"1.40.", noVersion},
		{"1.40.0.1", noVersion},
		{"1.99999999999999999999.0", noVersion},
		{"-1.40.0", noVersion},
	} {
		got, ok := translate.ParseVersion(c.text)
		if got != c.want || ok != got.Known() {
			t.Errorf("ParseVersion(%q) = %v, %v; want %v", c.text, got, ok, c.want)
		}
	}
}

func TestVersionOf(t *testing.T) {
	build := func(major, minor, patch uint32) *corev3.Node_UserAgentBuildVersion {
		return &corev3.Node_UserAgentBuildVersion{UserAgentBuildVersion: &corev3.BuildVersion{
			Version: &typev3.SemanticVersion{MajorNumber: major, MinorNumber: minor, Patch: patch},
		}}
	}
	for name, c := range map[string]struct {
		node *corev3.Node
		want translate.Version
	}{
		"no node":     {nil, noVersion},
		"nothing":     {&corev3.Node{}, noVersion},
		"build":       {&corev3.Node{UserAgentVersionType: build(1, 36, 4)}, v1_36},
		"empty build": {&corev3.Node{UserAgentVersionType: build(0, 0, 0)}, noVersion},
		"text": {
			&corev3.Node{UserAgentVersionType: &corev3.Node_UserAgentVersion{UserAgentVersion: "1.40.0"}}, v1_40,
		},
	} {
		if got := translate.VersionOf(c.node); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestVersionOrder(t *testing.T) {
	ordered := []translate.Version{noVersion, v1_32, v1_34, v1_36, v1_39, v1_40, {Major: 2}}
	for i, a := range ordered {
		for j, b := range ordered {
			if a.Less(b) != (i < j) {
				t.Errorf("%v.Less(%v) is %v", a, b, a.Less(b))
			}
		}
	}
}

// TestCompat walks through all versions: within a dialect the bytes of every
// case are the same, so a cache by dialect gives nobody another one's bytes.
func TestCompat(t *testing.T) {
	versions := []translate.Version{noVersion, {Major: 2}}
	for minor := 20; minor < 50; minor++ {
		versions = append(versions,
			translate.Version{Major: 1, Minor: minor}, translate.Version{Major: 1, Minor: minor, Patch: 9})
	}
	dialects := map[string]bool{}
	for _, c := range cases() {
		seen := map[string][]byte{}
		for _, v := range versions {
			data, err := translate.Marshal(c.revision, c.code, testSalt, v)
			if err != nil {
				t.Fatal(err)
			}
			key := translate.Compat(v)
			dialects[key] = true
			if first, ok := seen[key]; ok && !bytes.Equal(first, data) {
				t.Errorf("%s: %v differs within dialect %s", c.name, v, key)
			}
			seen[key] = data
		}
	}
	if len(dialects) != 5 {
		t.Errorf("dialects %v", dialects)
	}
}

// The version in a node is any text.
func FuzzParseVersion(f *testing.F) {
	for _, text := range []string{"1.40.0", "v1.36", "1.41.0-dev", "", "1..2", "9999.9999.9999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, ok := translate.ParseVersion(text)
		if ok != v.Known() {
			t.Errorf("%q: %v, %v", text, v, ok)
		}
		if again, _ := translate.ParseVersion(v.String()); again != v {
			t.Errorf("%q is %v, and that is %v", text, v, again)
		}
	})
}
