package preflight

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
	"github.com/wasm-xds/wasm-xds/test/preflight/corpus"
)

// versions returns the Envoy versions for the comparison. No build of 1.38 has V8.
func versions() []string {
	if only := os.Getenv("WASM_XDS_TEST_ENVOYS"); only != "" {
		return strings.Split(only, ",")
	}
	return []string{"1.40.0", "1.39.3", "1.37.0", "1.36.4"}
}

// The possible results of a module in a real Envoy.
const (
	loads   = "loads"
	fails   = "loads, and fails every request"
	refused = "is refused"
	crashes = "crashes Envoy"
	hangs   = "hangs Envoy"
)

// patience returns how long a module may take before the module counts as hanging. Endless loops
// get little time, because more time changes nothing.
func patience(c corpus.Case) time.Duration {
	if c.Loops {
		return 500 * time.Millisecond
	}
	return time.Minute
}

// judge is a real Envoy that loads modules in turn.
type judge struct {
	t       *testing.T
	version string
	envoy   *harness.EnvoyProcess
	ecds    *ecds
	ports   map[spec.Type]int
}

func (j *judge) start() {
	j.t.Helper()
	j.ecds = startECDS(j.t)
	j.ports = map[spec.Type]int{spec.HTTP: harness.FreePort(j.t), spec.Network: harness.FreePort(j.t)}
	upstream := harness.StartUpstream(j.t)
	b := harness.Bootstrap{
		Mode: harness.ECDSDelta, XDSAddress: j.ecds.address,
		HTTP: []harness.HTTPListener{{Name: "http", Port: j.ports[spec.HTTP], Filters: harness.Filters("http"), Upstream: upstream.Address()}},
		TCP:  []harness.TCPListener{{Name: "network", Port: j.ports[spec.Network], Filters: harness.Filters("network"), Upstream: harness.StartTCPEcho(j.t)}},
	}
	j.envoy = harness.StartEnvoy(j.t, harness.EnvoyOptions{
		Version: j.version, Bootstrap: b.YAML(j.t), MayDie: true, Concurrency: 1, LogLevel: "critical",
	})
	// Envoy opens no listener before each filter has a configuration, or 15 seconds have passed.
	j.load(corpus.Case{Name: "http", Type: spec.HTTP, Module: testfilter.HTTP{}.Module()})
	j.load(corpus.Case{Name: "network", Type: spec.Network, Module: testfilter.Network{}.Module()})
}

// load pushes a module that Envoy must take.
func (j *judge) load(c corpus.Case) {
	j.t.Helper()
	nonce := j.ecds.push(j.t, string(c.Type), c)
	var nack string
	harness.Poll(j.t.Context(), func() (answered bool) {
		nack, answered = j.ecds.answer(nonce)
		return answered
	})
	if nack != "" {
		j.t.Fatalf("Envoy %s refuses a good filter: %s", j.version, nack)
	}
}

// fate pushes a module and, after an ACK, sends traffic through the filter.
func (j *judge) fate(c corpus.Case) string {
	j.t.Helper()
	if c.Alone || j.envoy == nil {
		j.stop()
		j.start()
	}
	fate := j.push(c)
	if c.Alone || fate == crashes || fate == hangs {
		j.stop()
	}
	return fate
}

func (j *judge) stop() {
	if j.envoy != nil {
		j.envoy.Kill()
		j.envoy = nil
	}
}

func (j *judge) push(c corpus.Case) string {
	kind := kindOf(c)
	nonce := j.ecds.push(j.t, string(kind), c)
	ctx, cancel := context.WithTimeout(j.t.Context(), patience(c))
	defer cancel()
	var nack string
	var answered bool
	harness.Poll(ctx, func() bool {
		nack, answered = j.ecds.answer(nonce)
		return answered || j.dead()
	})
	switch {
	case j.dead():
		return crashes
	case !answered:
		return hangs
	case nack != "":
		return refused
	case strings.HasPrefix(c.Name, "import/"):
		return loads // no code calls the import
	case kind == spec.Network:
		return j.connect()
	default:
		return j.request()
	}
}

func kindOf(c corpus.Case) spec.Type {
	if c.Type == "" {
		return spec.HTTP
	}
	return c.Type
}

func (j *judge) dead() bool {
	select {
	case <-j.envoy.Exited():
		return true
	default:
		return false
	}
}

// request waits for the listener and sends two requests, because a filter may trap at the end of
// the first. The request to the admin server comes first: after the main thread's answer, the
// single worker has the new plugin.
func (j *judge) request() string {
	address := "http://" + harness.Loopback(j.ports[spec.HTTP]) + "/"
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	harness.Poll(j.t.Context(), func() bool { return j.dead() || harness.Listening(j.ports[spec.HTTP]) })
	last := 0
	for _, url := range []string{j.envoy.AdminURL() + "/ready", address, address} {
		if r, err := client.Get(url); err == nil {
			last = r.StatusCode
			_ = r.Body.Close()
		}
	}
	// The admin server answers, or the process has ended.
	alive := func() bool {
		r, err := client.Get(j.envoy.AdminURL() + "/ready")
		if err != nil {
			return false
		}
		_ = r.Body.Close()
		return true
	}
	harness.Poll(j.t.Context(), func() bool { return j.dead() || alive() })
	switch {
	case j.dead():
		return crashes
	case last >= http.StatusInternalServerError:
		return fails
	default:
		return loads
	}
}

// connect does the same with two connections. The echo comes back if the filter works.
func (j *judge) connect() string {
	j.ready()
	harness.Poll(j.t.Context(), func() bool { return j.dead() || harness.Listening(j.ports[spec.Network]) })
	works := j.echoes()
	if works {
		works = j.echoes()
	}
	switch {
	case j.dead():
		return crashes
	case works:
		return loads
	default:
		return fails
	}
}

// ready waits for an answer of the main thread.
func (j *judge) ready() {
	if r, err := http.Get(j.envoy.AdminURL() + "/ready"); err == nil {
		_ = r.Body.Close()
	}
}

// echoes reports whether a connection returns the sent bytes, and closes the connection.
func (j *judge) echoes() bool {
	conn, err := net.Dial("tcp", harness.Loopback(j.ports[spec.Network]))
	if err != nil {
		return false
	}
	defer conn.Close()
	// A failed filter may leave the connection open and silent.
	_ = conn.SetDeadline(time.Now().Add(silence)) // cannot fail on a TCP connection
	const text = "hello"
	if _, err := io.WriteString(conn, text); err != nil {
		return false
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(conn, got); err != nil {
		return false
	}
	return true
}

// silence is how long a connection may return nothing.
const silence = 5 * time.Second

// examples returns the filters built from source in this repository.
func examples(t *testing.T) []corpus.Case {
	t.Helper()
	greeting := "hello"
	cases := []corpus.Case{{Name: "hello", Config: &greeting}, {Name: "prime_token"}, {Name: "tcp_log", Type: spec.Network}}
	for i := range cases {
		module, err := os.ReadFile(filepath.Join("..", "..", "examples", "envoy", "filters", cases[i].Name+".wasm"))
		if err != nil {
			t.Fatal(err)
		}
		cases[i].Name, cases[i].Module = "example/"+cases[i].Name, module
	}
	bad := cases[0]
	bad.Name, bad.Config = "example/hello without configuration", nil
	return append(cases, bad, netHTTP(t))
}

// netHTTP returns a Go program that uses net/http, a common first attempt.
func netHTTP(t *testing.T) corpus.Case {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nethttp.wasm")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", path, "./testdata/nethttp")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	module, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return corpus.Case{Name: "example/Go with net/http", Module: module}
}

func TestTheSandboxAgreesWithEnvoy(t *testing.T) {
	if testing.Short() {
		program.NotTested(t, "real Envoys run for minutes")
	}
	cases := slices.Concat(corpus.All(), examples(t))
	if filter := os.Getenv("WASM_XDS_TEST_CASES"); filter != "" {
		cases = slices.DeleteFunc(cases, func(c corpus.Case) bool { return !strings.Contains(c.Name, filter) })
	}
	reports := make([]func() preflight.Report, len(cases)) // each for all versions
	for i, c := range cases {
		reports[i] = sync.OnceValue(func() preflight.Report { return check(c) })
	}
	for _, version := range versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			j := &judge{t: t, version: version}
			agreed, used := 0, map[string]bool{}
			for i, c := range cases {
				fate := j.fate(c)
				report := reports[i]()
				if report.Refused(version) == (fate != loads) {
					agreed++
					continue
				}
				if e, ok := exceptionFor(c.Name, version); ok && e.fate == fate {
					used[e.name] = true
					continue
				}
				t.Errorf("%s: %s, and the sandbox says %s", c.Name, fate, words(report, version))
			}
			j.stop()
			if want := len(exceptions()); len(used) != want && os.Getenv("WASM_XDS_TEST_CASES") == "" {
				t.Errorf("%d of %d exceptions are none any more", want-len(used), want)
			}
			t.Logf("Envoy %s: %d of %d modules agree, %d exceptions", version, agreed, len(cases), len(used))
		})
	}
}

func check(c corpus.Case) preflight.Report {
	return preflight.Check(context.Background(), sandbox.Request{
		Module: c.Module, Type: kindOf(c), PluginConfig: c.Config, Versions: versions(),
		Limits: sandbox.Limits{Step: patience(c)},
	}, preflight.SmokeRequest)
}

// words says for an Envoy version why the sandbox refuses a module.
func words(r preflight.Report, version string) string {
	for _, p := range r.Problems {
		if p.Concerns(version) {
			return fmt.Sprintf("%s: %s %v", p.Code, p.Message, p.Detail)
		}
	}
	return "that it loads"
}
