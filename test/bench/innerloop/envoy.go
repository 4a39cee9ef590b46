package innerloop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// ownEnvoy is an Envoy without a control plane: it reads the filter from the files of
// `wasm-xds eject`.
type ownEnvoy struct {
	port int
	file string // with the filter
	n    *int   // modules so far
}

func startEnvoy(t harness.TB, binary, project string) (e ownEnvoy, err error) {
	dir := filepath.Join(t.TempDir(), "ejected")
	e = ownEnvoy{port: harness.FreePort(t), n: new(int)}
	eject := exec.CommandContext(t.Context(), binary, "eject", dir, "--from", filepath.Join(project, "edge.yaml"),
		"--listen-address", harness.Loopback(e.port), "--upstream-address", harness.StartUpstream(t).Address())
	if out, err := eject.CombinedOutput(); err != nil {
		return e, fmt.Errorf("eject: %w\n%s", err, out)
	}
	start, err := os.ReadFile(filepath.Join(dir, "bootstrap.yaml"))
	if err != nil {
		return e, err
	}
	e.file = filepath.Join(dir, "filters", "edge.json")
	harness.StartEnvoy(t, harness.EnvoyOptions{Bootstrap: string(start)}).WaitReady()
	return e, nil
}

var modulePath = regexp.MustCompile(`"filename": "[^"]*"`)

// prepare writes a module, and a filter's file for it. place renames this file into its place.
func (e ownEnvoy) prepare(module string) (place func() error, err error) {
	code, err := os.ReadFile(module)
	if err != nil {
		return nil, err
	}
	*e.n++
	path := fmt.Sprintf("%s-%d.wasm", e.file, *e.n)
	if err := os.WriteFile(path, code, 0o600); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(e.file)
	if err != nil {
		return nil, err
	}
	next := e.file + ".next"
	text = modulePath.ReplaceAll(text, fmt.Appendf(nil, `"filename": %q`, path))
	return func() error { return os.Rename(next, e.file) }, os.WriteFile(next, text, 0o600)
}
