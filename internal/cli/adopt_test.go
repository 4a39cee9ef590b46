package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/test/bootstraps"
)

// adoption is a directory with a bootstrap and a module, and with a program in the place of Envoy.
type adoption struct {
	t                *testing.T
	dir, file, specs string
	envoy            string
}

// newAdoption writes a bootstrap. The program in the place of Envoy runs a shell script.
func newAdoption(t *testing.T, bootstrap, script string) *adoption {
	t.Helper()
	dir := t.TempDir()
	a := &adoption{t: t, dir: dir, file: filepath.Join(dir, bootstrap), specs: filepath.Join(dir, "filters"), envoy: filepath.Join(dir, "envoy")}
	a.write(a.file, strings.ReplaceAll(bootstraps.Good()[bootstrap], "/etc/envoy/", dir+"/"), 0o640)
	a.write(filepath.Join(dir, "tokens.wasm"), "tokens", 0o644)
	a.write(a.envoy, "#!/bin/sh\n"+script+"\n", 0o755)
	return a
}

func (a *adoption) write(path, text string, mode os.FileMode) {
	a.t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		a.t.Fatal(err)
	}
}

func (a *adoption) read(path string) string {
	a.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		a.t.Fatal(err)
	}
	return string(text)
}

// files are the names in the directory and below.
func (a *adoption) files() (names []string) {
	a.t.Helper()
	err := filepath.WalkDir(a.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(a.dir, path)
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return names
}

func (a *adoption) run(args ...string) (code int, stdout, stderr string) {
	a.t.Helper()
	return run(a.t, append([]string{"adopt", "--specs", a.specs, "--envoy", a.envoy}, args...)...)
}

func TestAdoptPrintsTheResult(t *testing.T) {
	a := newAdoption(t, "json.json", "exit 0")
	before := a.read(a.file)
	code, stdout, stderr := a.run(a.file, "--filter", "auth")
	if code != command.ExitOK || !json.Valid([]byte(stdout)) || !strings.Contains(stderr, "after:  auth (from wasm-xds), envoy.filters.http.router") {
		t.Errorf("code %d\n%s\n%s", code, stdout, stderr)
	}
	if a.read(a.file) != before {
		t.Error("the original has changed")
	}
}

// Only --out and --in-place write the result. A link stays a link, and the file keeps its
// permissions.
func TestAdoptWrites(t *testing.T) {
	a := newAdoption(t, "wasm.yaml", "exit 0")
	present := a.files()
	for _, args := range [][]string{{a.file, "--diff"}, {a.file, "-o", "json"}} {
		if code, stdout, stderr := a.run(args...); code != command.ExitOK || stdout == "" {
			t.Errorf("%v: code %d\n%s\n%s", args, code, stdout, stderr)
		}
		if diff := cmp.Diff(present, a.files()); diff != "" {
			t.Errorf("%v writes: %s", args, diff)
		}
	}
	if code, _, stderr := a.run(a.file, "--out", a.file); code != command.ExitUsage || !strings.Contains(stderr, "--in-place") {
		t.Errorf("over the input: code %d\n%s", code, stderr)
	}
	if code, _, _ := a.run(a.file, "--out", "x", "--in-place"); code != command.ExitUsage {
		t.Errorf("two places: code %d", code)
	}
	out := filepath.Join(a.dir, "out.yaml")
	code, stdout, stderr := a.run(a.file, "--out", out)
	if code != command.ExitOK || !strings.Contains(stdout, "spec tokens: ") || !strings.Contains(stdout, "envoy -c "+out) {
		t.Errorf("code %d\n%s\n%s", code, stdout, stderr)
	}
	if a.read(filepath.Join(a.specs, "tokens.wasm")) != "tokens" || !strings.Contains(a.read(filepath.Join(a.specs, "tokens.yaml")), "rootId: tokens_root\n") {
		t.Error("the spec and its module are not as in the file")
	}
	link := filepath.Join(a.dir, "link.yaml")
	if err := os.Symlink(a.file, link); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := a.run(link, "--in-place"); code != command.ExitOK {
		t.Errorf("code %d\n%s", code, stderr)
	}
	if a.read(a.file) != a.read(out) {
		t.Error("in place is not as into another file")
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
	if info, err := os.Stat(a.file); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info, err)
	}
}

// A spec that is there with another content stays, and nothing else is written.
func TestAdoptKeepsSpecs(t *testing.T) {
	a := newAdoption(t, "wasm.yaml", "exit 0")
	if err := os.Mkdir(a.specs, 0o755); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(a.specs, "stamp.yaml")
	a.write(mine, "module: {file: ./mine.wasm}\n", 0o644)
	present := a.files()
	code, _, stderr := a.run(a.file, "--in-place")
	if code != command.ExitProblem || !strings.Contains(stderr, mine+" is there already") {
		t.Errorf("code %d\n%s", code, stderr)
	}
	if diff := cmp.Diff(present, a.files()); diff != "" || strings.Contains(a.read(a.file), "wasm_xds") {
		t.Errorf("something was written: %s", diff)
	}
}

// A result that Envoy refuses is not written. If Envoy refuses the original, too, the reason lies
// in this machine.
func TestAdoptAsksEnvoy(t *testing.T) {
	const fails = `for last; do :; done
cat "$5" >/dev/null 2>&1
file=$4
echo "[1][critical] error initializing configuration '$file': $(echo no)" >&2
exit 1`
	a := newAdoption(t, "front-proxy.yaml", "grep -q wasm_xds \"$4\" || exit 0\n"+fails)
	present, before := a.files(), a.read(a.file)
	code, _, stderr := a.run(a.file, "--filter", "auth", "--in-place")
	if code != command.ExitProblem || !strings.Contains(stderr, "Envoy would refuse the result, so nothing is written: no\n") {
		t.Errorf("code %d\n%s", code, stderr)
	}
	if diff := cmp.Diff(present, a.files()); diff != "" || a.read(a.file) != before {
		t.Errorf("something was written: %s", diff)
	}
	a = newAdoption(t, "front-proxy.yaml", fails)
	code, stdout, stderr := a.run(a.file, "--filter", "auth", "--in-place", "-o", "json")
	var s struct {
		Validation struct{ Result, Reason string }
	}
	if err := json.Unmarshal([]byte(stdout), &s); err != nil || code != command.ExitOK {
		t.Fatalf("code %d, %v\n%s\n%s", code, err, stdout, stderr)
	}
	if s.Validation.Result != "skipped" || s.Validation.Reason != "Envoy refuses the original here, too: no" {
		t.Errorf("%+v", s)
	}
}

// An error shows the line of the file.
func TestAdoptShowsTheLine(t *testing.T) {
	a := newAdoption(t, "front-proxy.yaml", "exit 0")
	a.write(a.file, strings.Replace(a.read(a.file), "- name: service2\n", "- name: wasm_xds\n", 1), 0o644)
	code, _, stderr := a.run(a.file, "--filter", "auth")
	if code != command.ExitProblem || !strings.Contains(stderr, "front-proxy.yaml:58:5: a cluster wasm_xds is there already") || !strings.Contains(stderr, "58 |   - name: wasm_xds") {
		t.Errorf("code %d\n%s", code, stderr)
	}
}
