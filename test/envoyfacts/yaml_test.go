package envoyfacts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// Envoy reads anchors and aliases, and ignores a field with the tag !ignore. It takes a merge key
// for a field, and refuses the file.
func TestYAMLOfABootstrap(t *testing.T) {
	const anchors = `!ignore templates:
- &timeout 1s
static_resources:
  clusters:
  - name: a
    connect_timeout: *timeout
    load_assignment: {cluster_name: a}
`
	merge := strings.Replace(anchors, "- &timeout 1s\n", "- &timeout 1s\n- &more {type: STATIC}\n", 1) + "    <<: *more\n"
	for _, version := range []string{"1.40.0", "1.36.4"} {
		for name, tt := range map[string]struct{ text, want string }{
			"anchors": {anchors, "OK"}, "a merge key": {merge, "no such field: '<<'"},
		} {
			t.Run(version+"/"+name, func(t *testing.T) {
				t.Parallel()
				file := filepath.Join(t.TempDir(), "bootstrap.yaml")
				if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
					t.Fatal(err)
				}
				out, err := exec.CommandContext(t.Context(), harness.Envoy(t, version), "--mode", "validate", "-c", file, "-l", "error").CombinedOutput()
				if (err == nil) != (tt.want == "OK") || !strings.Contains(strings.Join(strings.Fields(string(out)), " "), tt.want) {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
	}
}
