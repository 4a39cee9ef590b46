package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSite builds the site. A link or an anchor that leads nowhere fails, and so does a page that
// is not in the navigation.
func TestSite(t *testing.T) {
	path, err := exec.CommandContext(t.Context(), filepath.Join(root, "scripts", "get-mkdocs")).Output()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), strings.TrimSpace(string(path)), "build", "--strict", "--site-dir", t.TempDir())
	cmd.Dir, cmd.Env = root, append(os.Environ(), "NO_MKDOCS_2_WARNING=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
