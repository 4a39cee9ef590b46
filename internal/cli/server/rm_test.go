package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Rm deletes a file only if the file says nothing besides the filter.
func TestFileOf(t *testing.T) {
	const (
		plugin = "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: {name: auth}\nspec: {url: \"oci://registry.example.com/auth:v1\"}\n"
		typed  = `typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm, config: {vm_config: {code: {remote: {http_uri: {uri: "oci://registry.example.com/auth:v1"}}}}}}`
	)
	for name, tt := range map[string]struct{ text, want string }{
		"a spec":              {"name: auth\nmodule: {oci: registry.example.com/auth:v1}\n", ""},
		"a manifest":          {plugin, ""},
		"a filter":            {"name: auth\n" + typed + "\n", ""},
		"two specs":           {plugin + "---\nname: other\nmodule: {oci: registry.example.com/other:v1}\n", "also has the spec other"},
		"a broken second one": {plugin + "---\nname: other\nmodul: {}\n", "also has a document with an error"},
		"a whole bootstrap":   {"static_resources: {listeners: [{filter_chains: [{filters: [{name: auth, " + typed + "}]}]}]}\n", "describes more than the filter auth"},
		"another name":        {"name: other\nmodule: {oci: registry.example.com/auth:v1}\n", "no spec in"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			file, err := fileOf(t.Context(), dir, "auth")
			if tt.want == "" && (err != nil || filepath.Base(file) != "a.yaml") {
				t.Errorf("%q, %v", file, err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%q, %v", file, err)
			}
		})
	}
}
