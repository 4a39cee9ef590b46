package guides_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
	"github.com/wasm-xds/wasm-xds/test/guides"
)

// insideVariable names the page that the test binary runs inside a network of its own.
const insideVariable = "WASM_XDS_TEST_INSIDE"

// pages are the guides. The test runs or loads all of their blocks.
var pages = []string{
	"getting-started.md", "first-filter.md", "concepts.md", "ecds-limits.md",
	"monitoring.md",
	"guides/air-gapped.md", "guides/ci.md", "guides/gitops.md", "guides/leaving.md", "guides/migrating.md", "guides/several-machines.md",
}

// TestGuides runs each guide in a directory and a network of its own, so the default ports are
// free. The directory has the examples.
func TestGuides(t *testing.T) {
	if page := os.Getenv(insideVariable); page != "" {
		runPage(t, page)
		return
	}
	t.Parallel()
	harness.BuildBinary(t) // inside, there is no network for a build or a download
	harness.Envoy(t, "")
	if _, err := validator(); err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			args := []string{"--net", "--mount"}
			if os.Geteuid() != 0 {
				args = append(args, "--map-root-user")
			}
			cmd := exec.CommandContext(t.Context(), "unshare", append(args, os.Args[0], "-test.run", "^TestGuides$", "-test.v")...)
			cmd.Env = append(os.Environ(), insideVariable+"="+page)
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "--- PASS: TestGuides") {
				t.Fatalf("%v\n%s", err, out)
			}
			if _, took, found := strings.Cut(string(out), "from init to the first answer: "); found {
				took, _, _ = strings.Cut(took, "\n")
				program.Figure(t, "from init to the first answer, docs/%s: %s", page, took)
			}
		})
	}
}

func runPage(t *testing.T, page string) {
	text, err := os.ReadFile(filepath.Join(program.Repository(), "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := guides.Blocks(string(text))
	if err != nil {
		t.Fatal(err)
	}
	r := newReader(t)
	r.makeNetwork(strings.Contains(string(text), registryHost))
	for _, block := range blocks {
		if err := r.follow(block); err != nil {
			t.Fatalf("docs/%s:%d: %v", page, block.Line, err)
		}
	}
	t.Logf("%d blocks, %d of them commands", len(blocks), r.commands)
}

// The hosts of the pages. They are this machine.
const (
	registryHost = "registry.example.com"
	controlHost  = "control.example.com"
)

// makeNetwork makes the loopback usable, gives it the names of the pages' hosts, and starts a
// registry for pages with one.
func (r *reader) makeNetwork(registry bool) {
	r.t.Helper()
	hosts := filepath.Join(r.t.TempDir(), "hosts")
	if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost "+registryHost+" "+controlHost+"\n"), 0o644); err != nil {
		r.t.Fatal(err)
	}
	for _, commands := range []string{"ip link set lo up", "mount --bind " + hosts + " /etc/hosts"} {
		if err := r.run(guides.Block{Text: commands}); err != nil {
			r.t.Fatal(err)
		}
	}
	if !registry {
		return
	}
	config := filepath.Join(r.t.TempDir(), "registry.yaml")
	text := "version: 0.1\nstorage: {filesystem: {rootdirectory: " + r.t.TempDir() + "}}\nhttp: {addr: 127.0.0.1:80}\n"
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
	// The tests' registry speaks plain HTTP.
	r.env = append(r.env, "WASM_XDS_INSECURE_REGISTRY="+registryHost)
	if err := r.background(guides.Block{Text: "docker-registry serve " + config}); err != nil {
		r.t.Fatal(err)
	}
	if err := r.run(guides.Block{Treatment: "until", Detail: "{}", Text: "curl -sS http://" + registryHost + "/v2/"}); err != nil {
		r.t.Fatal(err)
	}
}

// reader follows a page.
type reader struct {
	t        *testing.T
	dir      string
	env      []string
	commands int
	begun    time.Time // of a filter, with `wasm-xds init`
}

func newReader(t *testing.T) *reader {
	t.Helper()
	r := &reader{t: t, dir: t.TempDir()}
	bin := filepath.Join(r.dir, ".bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"wasm-xds": harness.BuildBinary(t), "envoy": harness.Envoy(t, "")} {
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(r.dir, "examples"), os.DirFS(filepath.Join(program.Repository(), "examples"))); err != nil {
		t.Fatal(err)
	}
	// Without a network and with another home, a compiler needs the cache of this user.
	cache, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	r.env = append(os.Environ(), "GOCACHE="+strings.TrimSpace(string(cache)), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+r.dir, "XDG_STATE_HOME="+filepath.Join(r.dir, ".state"))
	return r
}

// follow runs or loads a block.
func (r *reader) follow(b guides.Block) error {
	switch {
	case b.Treatment == "output", b.Treatment == "elsewhere" && b.Detail != "", b.Language == "mermaid":
		return nil
	case b.Treatment == "file":
		path := filepath.Join(r.dir, b.Detail)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(b.Text), 0o644); err != nil {
			return err
		}
		return r.load(b)
	case b.Language == "sh":
		r.commands++
		return r.run(b)
	default:
		return r.load(b)
	}
}

func (r *reader) shell(b guides.Block) *exec.Cmd {
	cmd := exec.CommandContext(r.t.Context(), "bash", "-euo", "pipefail", "-c", b.Text)
	cmd.Dir, cmd.Env = r.dir, r.env
	return cmd
}

func (r *reader) run(b guides.Block) error {
	if strings.HasPrefix(b.Text, "wasm-xds init ") {
		r.begun = time.Now()
	}
	switch b.Treatment {
	case "background":
		return r.background(b)
	case "until":
		defer r.logFirstAnswer()
		var out []byte
		if !harness.Poll(r.t.Context(), func() bool {
			out, _ = r.shell(b).CombinedOutput() // the output decides
			return strings.Contains(string(out), b.Detail)
		}) {
			return fmt.Errorf("no %q in the output:\n%s", b.Detail, out)
		}
		return nil
	}
	out, err := r.shell(b).CombinedOutput()
	if failed := err != nil; failed != (b.Treatment == "fails") {
		return fmt.Errorf("%v\n%s", err, out)
	}
	return nil
}

// logFirstAnswer logs the time from the beginning of a filter to the first answer through it.
func (r *reader) logFirstAnswer() {
	if !r.begun.IsZero() {
		r.t.Logf("from init to the first answer: %s", time.Since(r.begun).Round(time.Millisecond))
		r.begun = time.Time{}
	}
}

// background starts commands that end with the test.
func (r *reader) background(b guides.Block) error {
	cmd := r.shell(b)
	log, err := os.CreateTemp(r.t.TempDir(), "log-")
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = program.DieWithParent()
	cmd.SysProcAttr.Setpgid = true
	if err := cmd.Start(); err != nil {
		return err
	}
	r.t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		done := time.AfterFunc(20*time.Second, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		_ = cmd.Wait() // SIGTERM ends it
		done.Stop()
		_ = log.Close()
		if text, err := os.ReadFile(log.Name()); r.t.Failed() && err == nil {
			r.t.Logf("line %d:\n%s", b.Line, text[max(0, len(text)-3000):])
		}
	})
	return nil
}

// load gives a configuration to its reader: Envoy, wasm-xds or the schemas of Kubernetes.
func (r *reader) load(b guides.Block) error {
	switch b.Language {
	case "json":
		if !json.Valid([]byte(b.Text)) {
			return fmt.Errorf("it is not JSON")
		}
		return nil
	case "yaml":
		return r.loadYAML(b)
	default:
		return fmt.Errorf("a block of the language %q has no test: say so with a comment", b.Language)
	}
}

func (r *reader) loadYAML(b guides.Block) error {
	var keys map[string]any
	if err := yaml.Unmarshal([]byte(b.Text), &keys); err != nil {
		return err
	}
	_, isBootstrap := keys["static_resources"]
	_, isSpec := keys["module"]
	_, isManifest := keys["kind"]
	switch {
	case isBootstrap:
		return r.check(b, "envoy", "--mode", "validate", "--config-path")
	case isSpec:
		if _, problems, _ := spec.Decode("docs.yaml", []byte(b.Text)); len(problems) > 0 {
			return problems[0]
		}
		return nil
	case isManifest:
		path, err := validator()
		if err != nil {
			return err
		}
		return r.check(b, path, "--strict", "--quiet")
	default:
		return fmt.Errorf("it is no spec, no bootstrap of Envoy and no manifest: say so with a comment")
	}
}

func (r *reader) check(b guides.Block, command ...string) error {
	path := filepath.Join(r.t.TempDir(), "block.yaml")
	if err := os.WriteFile(path, []byte(b.Text), 0o644); err != nil {
		return err
	}
	block := guides.Block{Line: b.Line, Text: strings.Join(append(command, path), " ")}
	return r.run(block)
}

// validator returns the path of the program with the schemas of Kubernetes.
func validator() (string, error) {
	out, err := exec.Command(filepath.Join(program.Repository(), "scripts", "get-kubernetes-validate")).Output()
	if err != nil {
		return "", fmt.Errorf("scripts/get-kubernetes-validate: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
