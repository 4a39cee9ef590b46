package kit_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
)

// The examples without modules in git build with their real compilers, pass their tests in the
// sandbox, and run through one Envoy.
func TestBuiltExamples(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "filters")
	buildExamples(t, dir)
	registry := registrytest.Start(t, registrytest.Options{})
	pushHello(t, dir, registry)
	greeters := []string{"add_header_cpp", "add_header_zig", "hello_assemblyscript"}
	enable := func(name string, enabled bool) {
		t.Helper()
		words := map[bool]string{true: "disabled: false\nname: ", false: "disabled: true\nname: "}
		edit(t, filepath.Join(dir, name), name+".yaml", words[!enabled], words[enabled])
	}
	for _, name := range greeters { // they add the same header: one at a time is enabled
		edit(t, filepath.Join(dir, name), name+".yaml", "\nname: ", "\ndisabled: true\nname: ")
	}
	image := func(rest string) {
		t.Helper()
		harness.WriteFile(t, filepath.Join(dir, "hello_wasme.yaml"), []byte("module: {oci: '"+registry.Ref("filters/hello:v1")+"'}\n"+rest))
	}
	image("config: world\n")
	upstream := startKeys(t)
	cp := harness.StartControlPlane(t, harness.ControlPlaneOptions{Dir: dir, Args: []string{"--insecure-registry", registry.Host}})
	web := harness.Loopback(harness.FreePort(t))
	yaml, err := exec.CommandContext(t.Context(), harness.BuildBinary(t), "bootstrap", dir, "--xds-address", cp.XDSAddress(),
		"--modules-address", cp.ModulesAddress(), "--listen-address", web, "--upstream-address", upstream.address).Output()
	if err != nil {
		t.Fatal(err)
	}
	harness.StartEnvoy(t, harness.EnvoyOptions{Bootstrap: string(yaml)}).WaitReady()

	good := map[string]string{"x-api-key": "good"}
	greets := func(what, greeting string) {
		t.Helper()
		var last harness.Answer
		if !harness.Poll(t.Context(), func() bool {
			last = harness.Get(t, web, good)
			return last.Status == http.StatusOK && last.Header.Get("hello") == greeting
		}) {
			t.Errorf("%s: %d with %v", what, last.Status, last.Header)
		}
	}
	greets("the image of wasme", "world")
	image("config: goodbye\n")
	greets("another configuration", "goodbye")
	image("config: goodbye\ndisabled: true\n")
	for _, name := range greeters {
		enable(name, true)
		greets(name, "world")
		edit(t, filepath.Join(dir, name), name+".yaml", "config: world", "config: goodbye")
		greets(name, "goodbye")
		enable(name, false)
	}

	// The service knows one key.
	for key, status := range map[string]int{"": http.StatusUnauthorized, "bad": http.StatusForbidden, "good": http.StatusOK} {
		header := map[string]string{}
		if key != "" {
			header["x-api-key"] = key
		}
		if a := harness.Get(t, web, header); a.Status != status {
			t.Errorf("the key %q gets %d, not %d", key, a.Status, status)
		}
	}
	// The firewall refuses a script in a form, and the upstream does not see the request.
	for body, status := range map[string]int{"text=shoes": http.StatusOK, "text=%3Cscript%3E": http.StatusForbidden} {
		before := upstream.requests.Load()
		passed := map[bool]int64{true: 1}[status == http.StatusOK]
		if got := form(t, web, body); got != status || upstream.requests.Load() != before+passed {
			t.Errorf("the form %s gets %d, not %d, and %d requests reach the upstream", body, got, status, upstream.requests.Load()-before)
		}
	}
}

// buildExamples builds copies of the projects among the examples, and copies specs and modules into
// directories of dir, without the sources.
func buildExamples(t *testing.T, dir string) {
	t.Helper()
	projects := filepath.Join(t.TempDir(), "examples")
	for name, language := range map[string]string{
		"hello_assemblyscript": "assemblyscript", "add_header_cpp": "cpp", "add_header_zig": "zig", "api_key": "go", "waf": "go",
	} {
		project, served := filepath.Join(projects, name), filepath.Join(dir, name)
		copyExample(t, projects, name)
		if language == "assemblyscript" {
			if err := os.Symlink(nodeModules(), filepath.Join(project, "node_modules")); err != nil {
				t.Fatal(err)
			}
			edit(t, project, "asconfig.json", `"optimizeLevel": 3, "shrinkLevel": 1`, `"optimizeLevel": 0`) // see buildTemplate
		}
		if stdout, all, err := wasmXDS(t, environment(t, language), "build", project); err != nil || !strings.Contains(stdout, " passed") {
			t.Fatalf("%s: %v\n%s", name, err, all)
		}
		text, err := os.ReadFile(filepath.Join(project, name+".yaml"))
		if err == nil {
			err = os.CopyFS(filepath.Join(served, "build"), os.DirFS(filepath.Join(project, "build")))
		}
		if err != nil {
			t.Fatal(err)
		}
		// An edit of the configuration is to go live, and not to fail a test.
		before, _, _ := strings.Cut(string(text), "tests:")
		harness.WriteFile(t, filepath.Join(served, name+".yaml"), []byte(before))
	}
}

// copyExample copies a project without its builds. The binding of the projects in Go is in another
// directory, to which a link leads.
func copyExample(t *testing.T, dir, name string) {
	t.Helper()
	examples := filepath.Join(program.Repository(), "examples")
	target := filepath.Join(dir, name)
	err := os.MkdirAll(target, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(examples, name))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		from, to := filepath.Join(examples, name, entry.Name()), filepath.Join(target, entry.Name())
		switch text, err := os.ReadFile(from); {
		case entry.Name() == "build" || entry.Name() == "node_modules":
		case entry.IsDir():
			if err := os.CopyFS(to, os.DirFS(from)); err != nil {
				t.Fatal(err)
			}
		case err != nil:
			t.Fatal(err)
		default:
			harness.WriteFile(t, to, text)
		}
	}
	if err := os.Symlink(filepath.Join(examples, "envoy"), filepath.Join(dir, "envoy")); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
}

// pushHello packs the module of hello_assemblyscript as an image of wasme.
func pushHello(t *testing.T, dir string, registry *registrytest.Registry) {
	t.Helper()
	module, err := os.ReadFile(filepath.Join(dir, "hello_assemblyscript", "build", "hello_assemblyscript.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	registry.Push(t, "filters/hello:v1", registrytest.Solo(module, nil))
}

// keys is an upstream that knows one API key below /keys/.
type keys struct {
	address  string
	requests atomic.Int64 // beside the questions about keys
}

func startKeys(t *testing.T) *keys {
	t.Helper()
	k := &keys{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, isQuestion := strings.CutPrefix(r.URL.Path, "/keys/")
		switch {
		case !isQuestion:
			k.requests.Add(1)
		case key != "good":
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, "welcome")
	}))
	t.Cleanup(server.Close)
	k.address = server.Listener.Addr().String()
	return k
}

// form posts a form, and returns the status.
func form(t *testing.T, address, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Api-Key", "good")
	r.Close = true
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}
