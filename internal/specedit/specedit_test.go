package specedit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// pinsOf pins every reference of the text that has no digest.
func pinsOf(text string) (pins []Pin) {
	specs, _, _ := spec.Decode("specs.yaml", []byte(text))
	for _, s := range specs {
		if m := s.Module; m.OCI.Registry != "" && !m.OCI.Pinned() {
			pins = append(pins, Pin{At: m.Pos, Ref: m.OCI.WithDigest(digest)})
		}
	}
	return pins
}

func TestLock(t *testing.T) {
	for name, tt := range map[string]struct{ before, after string }{
		"block":           {"name: a\nmodule:\n  oci: r.example/a:v1 # kept\n", "name: a\nmodule:\n  oci: r.example/a:v1@DIGEST # kept\n"},
		"flow":            {"name: a\nmodule: {oci: r.example/a:v1}\n", "name: a\nmodule: {oci: r.example/a:v1@DIGEST}\n"},
		"quotes":          {"name: a\nmodule: {oci: \"r.example/a:v1\"}\n", "name: a\nmodule: {oci: \"r.example/a:v1@DIGEST\"}\n"},
		"single quotes":   {"name: a\nmodule: {oci: 'r.example/a:v1'}\n", "name: a\nmodule: {oci: 'r.example/a:v1@DIGEST'}\n"},
		"scheme":          {"name: a\nmodule: {oci: oci://r.example/a:v1}\n", "name: a\nmodule: {oci: oci://r.example/a:v1@DIGEST}\n"},
		"no tag":          {"name: a\nmodule: {oci: r.example/a}\n", "name: a\nmodule: {oci: r.example/a:latest@DIGEST}\n"},
		"CRLF":            {"name: a\r\nmodule: {oci: r.example/a:v1}\r\n", "name: a\r\nmodule: {oci: r.example/a:v1@DIGEST}\r\n"},
		"byte order mark": {"\ufeffname: a\nmodule: {oci: r.example/a:v1}\n", "\ufeffname: a\nmodule: {oci: r.example/a:v1@DIGEST}\n"},
		"wide letters":    {"name: a\nmodule: {\"oci\": r.example/a:v1} # größer als α\n", "name: a\nmodule: {\"oci\": r.example/a:v1@DIGEST} # größer als α\n"},
		"no line end":     {"name: a\nmodule: {oci: r.example/a:v1}", "name: a\nmodule: {oci: r.example/a:v1@DIGEST}"},
		"WasmPlugin": {
			"apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: {name: a}\nspec:\n  url: oci://r.example/a:v1 # kept\n",
			"apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: {name: a}\nspec:\n  url: oci://r.example/a:v1@DIGEST # kept\n",
		},
		"a list of manifests": {
			"apiVersion: v1\nkind: List\nitems:\n- apiVersion: extensions.istio.io/v1alpha1\n  kind: WasmPlugin\n  metadata: {name: a}\n  spec: {url: \"oci://r.example/a:v1\"}\n",
			"apiVersion: v1\nkind: List\nitems:\n- apiVersion: extensions.istio.io/v1alpha1\n  kind: WasmPlugin\n  metadata: {name: a}\n  spec: {url: \"oci://r.example/a:v1@DIGEST\"}\n",
		},
		"a filter of Envoy": {
			"http_filters:\n- name: a\n  typed_config:\n    '@type': type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n    config: {vm_config: {code: {remote: {http_uri: {uri: 'oci://r.example/a:v1'}, sha256: nil}}}}\n",
			"http_filters:\n- name: a\n  typed_config:\n    '@type': type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n    config: {vm_config: {code: {remote: {http_uri: {uri: 'oci://r.example/a:v1@DIGEST'}, sha256: nil}}}}\n",
		},
		"two documents": {
			"name: a\nmodule: {oci: r.example/a:v1}\n---\nname: b\nmodule:\n    oci:   r.example/b:v1\n",
			"name: a\nmodule: {oci: r.example/a:v1@DIGEST}\n---\nname: b\nmodule:\n    oci:   r.example/b:v1@DIGEST\n",
		},
		"a locked one": {"name: a\nmodule: {oci: r.example/a:v1@DIGEST}\n", "name: a\nmodule: {oci: r.example/a:v1@DIGEST}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := strings.ReplaceAll(tt.before, "DIGEST", digest), strings.ReplaceAll(tt.after, "DIGEST", digest)
			text := []byte(before)
			got, err := Lock(text, pinsOf(before))
			if err != nil || string(got) != after {
				t.Errorf("%v, got\n%s\nwant\n%s", err, got, after)
			}
			if string(text) != before {
				t.Error("the given text was changed")
			}
		})
	}
}

// Two documents may have a reference at one place: its digest is written once.
func TestLockTwiceAtOnePlace(t *testing.T) {
	const text = "name: a\nmodule: {oci: r.example/a:v1}\n"
	pins := pinsOf(text)
	got, err := Lock([]byte(text), append(pins, pins...))
	if err != nil || strings.Count(string(got), digest) != 1 {
		t.Errorf("%s, %v", got, err)
	}
}

func TestLockRefuses(t *testing.T) {
	pin := func(line, column int) Pin {
		return Pin{At: spec.Position{Line: line, Column: column}, Ref: spec.Reference{Registry: "r.example", Repository: "a", Tag: "v1", Digest: digest}}
	}
	for name, tt := range map[string]struct {
		text string
		pin  Pin
		want string
	}{
		"an escape sequence": {"module: {oci: \"r.example/\\x61:v1\"}", pin(1, 15), "the reference on line 1 is not written there as it is"},
		"another reference":  {"module: {oci: r.example/b:v1}", pin(1, 15), "the reference on line 1 is not written there as it is"},
		"another tag":        {"module: {oci: r.example/a:v2}", pin(1, 15), "the reference on line 1 is not written there as it is"},
		"no such line":       {"module: {}", pin(2, 1), "line 2 is not what was read"},
		"no such column":     {"module: {}", pin(1, 99), "line 1 is not what was read"},
		"an empty text":      {"", pin(1, 1), "line 1 is not what was read"},
	} {
		if got, err := Lock([]byte(tt.text), []Pin{tt.pin}); err == nil || err.Error() != tt.want || got != nil {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestLockFile(t *testing.T) {
	const before = "name: a\nmodule: {oci: r.example/a:v1}\n"
	file, link := filepath.Join(t.TempDir(), "real.yaml"), filepath.Join(t.TempDir(), "link.yaml")
	if err := os.WriteFile(file, []byte(before), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	wrong := Pin{At: spec.Position{Line: 9}}
	if err := LockFile(link, append(pinsOf(before), wrong)); err == nil {
		t.Error("a wrong pin is no error")
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != before {
		t.Errorf("after an error: %s, %v", text, err)
	}
	if err := LockFile(link, pinsOf(before)); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), digest) {
		t.Errorf("%s, %v", text, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
	if err := LockFile(filepath.Join(t.TempDir(), "none.yaml"), nil); err == nil {
		t.Error("a file that is not there is no error")
	}
}

// FuzzLock: an edit either fails, or every reference has its digest and the rest of the text is
// the same.
func FuzzLock(f *testing.F) {
	f.Add("name: a\nmodule: {oci: r.example/a:v1}\n---\nname: b\nmodule:\n  oci: \"oci://r.example/b\" # ü\n")
	f.Add("\ufeffname: a\r\nmodule: {oci: 'r.example/a:v1'}\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		pins := pinsOf(text)
		got, err := Lock([]byte(text), pins)
		if err != nil {
			return
		}
		if left := pinsOf(string(got)); len(left) > 0 {
			t.Errorf("without a digest: %v", left)
		}
		rest := strings.ReplaceAll(string(got), "@"+digest, "")
		if before := strings.ReplaceAll(text, "@"+digest, ""); strings.ReplaceAll(rest, ":latest", "") != strings.ReplaceAll(before, ":latest", "") {
			t.Errorf("got\n%s\nof\n%s", got, text)
		}
	})
}
