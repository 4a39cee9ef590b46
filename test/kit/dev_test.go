package kit_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/kit/template"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// devRun is a running `wasm-xds dev` of a project.
type devRun struct {
	*harness.DevRun
	t    *testing.T
	port int // of Envoy's HTTP listener
}

func startDev(t *testing.T, language, dir string, args ...string) *devRun {
	t.Helper()
	port := harness.FreePort(t)
	if !strings.Contains(strings.Join(args, " "), "--envoy-bootstrap") {
		args = append(args, "--listen-address", harness.Loopback(port), "--tcp-listen-address", "127.0.0.1:0", "--envoy-admin-address", "127.0.0.1:0")
		if !strings.Contains(strings.Join(args, " "), "--upstream ") {
			args = append(args, "--upstream-address", "127.0.0.1:0")
		}
	}
	return &devRun{harness.StartDev(t, environment(t, language), dir, args...), t, port}
}

// wait waits for lines with these texts, in turn, possibly with other lines between them.
func (d *devRun) wait(texts ...string) {
	d.t.Helper()
	var seen []string
	for _, text := range texts {
		if line := d.next(text, &seen); !strings.Contains(line, text) {
			d.t.Fatalf("no line has %q:\n%s", text, strings.Join(seen, "\n"))
		}
	}
}

// patience bounds the wait for a line. A cold compiler on a busy machine takes long.
const patience = 2 * time.Minute

// next returns the next line with a text; "": none comes.
func (d *devRun) next(text string, seen *[]string) string {
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case line, open := <-d.Lines:
			*seen = append(*seen, line)
			if !open || strings.Contains(line, text) {
				return line
			}
		case <-late.C:
			return ""
		}
	}
}

// end interrupts dev and expects a clean exit, with Envoy gone.
func (d *devRun) end() {
	d.t.Helper()
	d.End()
	if harness.Listening(d.port) {
		d.t.Error("Envoy is still there")
	}
}

func kindOf(t *testing.T, from string) template.Kind {
	t.Helper()
	kind, err := template.FindKind("http", from)
	if err != nil {
		t.Fatal(err)
	}
	return kind
}

// firstAnswer prints the time from `wasm-xds init` to the first answer through the filter.
func firstAnswer(t *testing.T, language string, began time.Time) {
	t.Helper()
	program.Figure(t, "from init to the first answer, %s: %s", language, time.Since(began).Round(10*time.Millisecond))
}

// In each language, an edit of the source is live on a real Envoy, and dev shows the change of the
// answer.
func TestDevEdit(t *testing.T) {
	t.Parallel()
	for language, source := range map[string]string{"rust": "src/lib.rs", "assemblyscript": "assembly/index.ts", "cpp": "filter.cc"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			dir := begin(t, language, kindOf(t, "headers"))
			d := startDev(t, language, dir, "--request", "GET /echo")
			d.wait("build  | ", "tests  | edge-headers: 1 test passed", "Every filter is live", "answer | GET /echo", "hello: world")
			firstAnswer(t, language, began)
			edit(t, dir, source, `"hello"`, `"greeting"`)
			d.wait("build  | "+source+" changed: ", "live   | edge-headers  live in ", "answer |   - hello: world", "answer |   + greeting: world")
			d.end()
		})
	}
}

// A source that does not build, or fails a test, leaves the last good filter running. A change of
// the spec needs no build.
func TestDevLastGood(t *testing.T) {
	t.Parallel()
	began := time.Now()
	dir := begin(t, "go", kindOf(t, "auth"))
	d := startDev(t, "go", dir, "--request", "GET / token=7", "--request", "GET / token=8")
	d.wait("build  | ", "4 tests passed", "answer | GET / token=7", "200 OK", "answer | GET / token=8", "403 Forbidden")
	firstAnswer(t, "go", began)

	edit(t, dir, "main.go", "Access forbidden", "Access denied")
	d.wait("build  | main.go changed: ", "tests  | edge-auth: 1 of 4 tests failed: what runs, runs on", `test "an unknown token is refused" failed`)
	edit(t, dir, "main.go", "func main() {}", "func main() { broken }")
	d.wait("main.go:13:15: undefined: broken", "build  | main.go changed: failed: what runs, runs on")
	if status := get(t, d.port, "7"); status != http.StatusOK {
		t.Errorf("the last good filter is gone: %d", status)
	}
	edit(t, dir, "main.go", "func main() { broken }", "func main() {}")
	edit(t, dir, "edge-auth.yaml", "Access forbidden", "Access denied")
	d.wait("live   | edge-auth  live in ", "answer | GET / token=7: unchanged", "answer | GET / token=8", "- Access forbidden.", "+ Access denied.")

	edit(t, dir, "edge-auth.yaml", "config: 7 eleven", "config: 7 8 eleven")
	edit(t, dir, "edge-auth.yaml", `{token: "8"}`, `{token: "9"}`)
	d.wait("answer | GET / token=7: unchanged", "answer | GET / token=8", "- HTTP/1.1 403 Forbidden", "+ HTTP/1.1 200 OK")
	d.end()
}

func get(t *testing.T, port int, token string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+harness.Loopback(port)+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("token", token)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

// The user's own Envoy configuration gets the filter, and stays as it is. The filter's own lines of
// Envoy's log are shown.
func TestDevOwnEnvoy(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "my own service") }))
	t.Cleanup(upstream.Close)
	began := time.Now()
	dir := begin(t, "zig", kindOf(t, "logger"))
	port := harness.FreePort(t)
	bootstrap := filepath.Join(t.TempDir(), "envoy.yaml")
	text := ownBootstrap(port, upstream.Listener.Addr().String())
	harness.WriteFile(t, bootstrap, []byte(text))
	d := startDev(t, "zig", dir, "--request", "GET /seen user-agent=kit", "--envoy-bootstrap", bootstrap)
	d.port = port
	d.wait("listener web of "+bootstrap+": edge-logger → envoy.filters.http.router", "[info][wasm]")
	firstAnswer(t, "zig", began)
	edit(t, dir, "filter.zig", `{s}: {s} {s}`, `{s} <- {s} {s}`)
	d.wait("live   | edge-logger  live in ", "access <- GET /seen 200 kit")
	d.end()
	if after, err := os.ReadFile(bootstrap); err != nil || string(after) != text {
		t.Errorf("the configuration has changed: %v\n%s", err, after)
	}
}

func ownBootstrap(port int, upstream string) string {
	host, upstreamPort, _ := strings.Cut(upstream, ":")
	return `# my own Envoy
node: {id: mine, cluster: mine}
static_resources:
  listeners:
  - name: web
    address: {socket_address: {address: 127.0.0.1, port_value: ` + strconv.Itoa(port) + `}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: web
          route_config:
            virtual_hosts:
            - {name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: service}}]}
          http_filters:
          - {name: envoy.filters.http.router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
  clusters:
  - name: service
    load_assignment:
      cluster_name: service
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: ` + host + `, port_value: ` + upstreamPort + `}}}}]}]
`
}

// An upstream of the user's gets the requests, also with https. Ctrl-C ends a compiler with all of
// its children.
func TestDevUpstreamAndCtrlC(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "my own service") }))
	t.Cleanup(upstream.Close)
	dir := begin(t, "cpp", kindOf(t, "body"))
	d := startDev(t, "cpp", dir, "--request", "GET /", "--upstream", upstream.URL)
	d.wait("answer | GET /", "my own service")
	// A hanging build: the child writes a number, and ignores the polite signal.
	edit(t, dir, "edge-body.yaml", "name: edge-body", "name: edge-body\nbuild: \"sh -c 'trap : TERM; echo $$ > child.pid; while :; do sleep 1; done' & wait\"")
	child := 0
	if !harness.Poll(t.Context(), func() bool {
		text, err := os.ReadFile(filepath.Join(dir, "child.pid"))
		child, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return err == nil && child > 0
	}) {
		t.Fatal("the build has not begun")
	}
	d.end()
	if !harness.Poll(t.Context(), func() bool { return !alive(child) }) {
		t.Errorf("the compiler's child %d is still there", child)
	}
}

// alive reports whether a process runs. A zombie does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}
