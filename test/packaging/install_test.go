package packaging

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// TestGoInstall has the go command install the last commit as it installs a release: from the zip
// of the module, without a repository, a replace or a file outside of the zip. The program knows
// its version.
func TestGoInstall(t *testing.T) {
	t.Parallel()
	const path, version = "github.com/wasm-xds/wasm-xds", "v0.99.0"
	proxy := filepath.Join(t.TempDir(), "github.com", "wasm-xds", "wasm-xds", "@v")
	if err := os.MkdirAll(proxy, 0o755); err != nil {
		t.Fatal(err)
	}
	archive, err := os.Create(filepath.Join(proxy, version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	tree := t.TempDir()
	run(t, nil, "sh", "-c", "git archive HEAD | tar --extract --directory "+tree)
	if err := zip.CreateFromDir(archive, module.Version{Path: path, Version: version}, tree); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(program.Repository(), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"list": version + "\n", version + ".mod": string(mod), version + ".info": `{"Version": "` + version + `"}`} {
		if err := os.WriteFile(filepath.Join(proxy, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root := strings.TrimSuffix(proxy, filepath.Join("github.com", "wasm-xds", "wasm-xds", "@v"))
	// The cache of this test is new, so the module is not left in the user's cache. The user's
	// cache is a proxy for the other modules.
	known, usual, _ := strings.Cut(strings.TrimSpace(run(t, nil, "go", "env", "GOMODCACHE", "GOPROXY")), "\n")
	bin, cache := t.TempDir(), t.TempDir()
	run(t, []string{
		"GOPROXY=file://" + root + ",file://" + filepath.Join(known, "cache", "download") + "," + usual, "GOMODCACHE=" + cache, "GOBIN=" + bin,
		"GONOSUMDB=*", "GOFLAGS=-modcacherw -trimpath -ldflags=-w", "CGO_ENABLED=0",
	}, "sh", "-c", "cd / && go install "+path+"/cmd/wasm-xds@latest")
	if out := run(t, nil, filepath.Join(bin, "wasm-xds"), "version"); !strings.Contains(out, version+"\n") {
		t.Errorf("version prints %s", out)
	}
}
