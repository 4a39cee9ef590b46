package e2e_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// badRegistry is a real registry behind a faulty network.
type badRegistry struct {
	*registrytest.Registry
	t     *testing.T
	proxy *toxiproxy.Proxy
	// answer, if set, handles requests before the registry and reports whether it has answered.
	answer atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
}

func startBadRegistry(t *testing.T) *badRegistry {
	t.Helper()
	b := &badRegistry{t: t}
	b.Registry = registrytest.Start(t, registrytest.Options{Wrap: func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// Requests of the test's own pushes pass.
			answer := b.answer.Load()
			if answer == nil || r.UserAgent() != "wasm-xds" || !(*answer)(w, r) {
				registry.ServeHTTP(w, r)
			}
		})
	}})
	b.proxy = toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "registry", "127.0.0.1:0", b.Host)
	if err := b.proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.proxy.Stop)
	return b
}

// toxic adds a fault to the registry's responses and returns a function that removes the fault.
func (b *badRegistry) toxic(kind, attributes string) func() {
	b.t.Helper()
	text := fmt.Sprintf(`{"name": "fault", "type": %q, "attributes": %s}`, kind, attributes)
	if _, err := b.proxy.Toxics.AddToxicJson(strings.NewReader(text)); err != nil {
		b.t.Fatal(err)
	}
	return func() {
		if err := b.proxy.Toxics.RemoveToxic(b.t.Context(), "fault"); err != nil {
			b.t.Error(err)
		}
	}
}

// answers makes answer handle the registry's requests, and returns a function that ends this.
func (b *badRegistry) answers(answer func(http.ResponseWriter, *http.Request) bool) func() {
	b.answer.Store(&answer)
	return func() { b.answer.Store(nil) }
}

func refused(status int, header ...string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		return true
	}
}

// wrongBytes answers GETs of blobs with the right number of wrong bytes.
func wrongBytes(size int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") {
			return false
		}
		_, _ = w.Write(make([]byte, size))
		return true
	}
}

// Under every fault of the registry, a real Envoy under load keeps serving, the status shows the
// error, and after the fault the server recovers without help.
func TestRegistryFaults(t *testing.T) {
	s := newScenario(t)
	names := harness.StartDNS(t, "registry.test")
	s.cp = harness.NewControlPlane(t, harness.ControlPlaneOptions{
		Dir: s.dir, Args: []string{"--insecure-registry", "registry.test"}, DNS: names,
	})
	r := startBadRegistry(t)
	_, port, err := net.SplitHostPort(r.proxy.Listen)
	if err != nil {
		t.Fatal(err)
	}
	host := net.JoinHostPort("registry.test", port)
	module := func(stamp string) []byte {
		return testfilter.HTTP{Stamp: stamp, RequireToken: true, Pad: 300 << 10}.Module()
	}
	size := len(module("v0"))
	last := module("v0")
	r.Push(t, "team/auth:prod", registrytest.Artifact(last))
	r.Push(t, "team/auth:late", registrytest.Artifact(last))
	s.writeOCI(auth, host+"/team/auth:prod", "  refresh: 1s\n")
	s.cp.Start()
	e := s.envoy(proxyOptions{})
	s.cp.WaitLive(auth, last, 1)
	e.WaitReady()
	tr := s.traffic(e.web[0])
	tr.live("v0")

	for i, fault := range []struct {
		name  string
		codes []string // any of them
		says  string
		begin func() (end func())
	}{
		{"the registry is gone", []string{"registry_unreachable"}, "refused", func() func() {
			r.proxy.Stop()
			return func() {
				if err := r.proxy.Start(); err != nil {
					t.Error(err)
				}
			}
		}},
		{"500", []string{"registry_failed"}, "500", func() func() { return r.answers(refused(http.StatusInternalServerError)) }},
		{"429", []string{"registry_rate_limited"}, "", func() func() {
			return r.answers(refused(http.StatusTooManyRequests, "Retry-After", "2"))
		}},
		{"cut in the middle", []string{"registry_unreachable", "module_download_failed", "registry_corrupt"}, "", func() func() {
			return r.toxic("limit_data", `{"bytes": 100000}`)
		}},
		{"wrong bytes", []string{"registry_corrupt"}, "", func() func() { return r.answers(wrongBytes(size)) }},
		{"DNS fails", []string{"registry_unreachable"}, "cannot be looked up", func() func() {
			names.Fail(true)
			r.proxy.Stop() // an open connection would need no DNS lookup
			if err := r.proxy.Start(); err != nil {
				t.Error(err)
			}
			// The new spec's registry has never answered.
			s.writeOCI("late", host+"/team/auth:late", "")
			f := s.cp.WaitFilter("late", func(f harness.FilterStatus) bool { return f.Error != nil })
			if f.Error.Code != "registry_unreachable" || !strings.Contains(f.Error.Message, "cannot be looked up") {
				t.Errorf("a spec that comes while DNS fails: %+v", f.Error)
			}
			return func() { names.Fail(false) }
		}},
	} {
		stamp := fmt.Sprintf("v%d", i+1)
		counted(tr, fmt.Sprintf("v%d", i))
		before := e.FilterStats(auth)
		end := fault.begin()
		next := module(stamp)
		r.Push(t, "team/auth:prod", registrytest.Artifact(next))
		// Between two tries the download waits, which is shown and no failure yet.
		f := s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool {
			return f.Error != nil && f.Error.Code != "module_download_waits"
		})
		if f.State != harness.Active || f.Module.SHA256 != harness.SHA256(last) {
			t.Errorf("%s: the filter is %s with %s", fault.name, f.State, f.Module.SHA256)
		}
		if !strings.Contains(strings.Join(fault.codes, " "), f.Error.Code) || !strings.Contains(f.Error.Message, fault.says) {
			t.Errorf("%s: %+v", fault.name, f.Error)
		}
		t.Logf("%s: %s: %s (%s)", fault.name, f.Error.Code, f.Error.Message, f.Error.Hint)
		tr.load.WaitRequests(50)
		if d := harness.Diff(before, e.FilterStats(auth)); d["config_reload"] != 0 || d["config_fail"] != 0 {
			t.Errorf("%s: Envoy was sent something: %v", fault.name, d)
		}
		end()
		s.cp.WaitLive(auth, next, 1)
		tr.live(stamp)
		last = next
	}
	s.cp.WaitFilter("late", func(f harness.FilterStatus) bool {
		return f.Error == nil && f.Module.SHA256 == harness.SHA256(module("v0"))
	})
	counted(tr, "v6")
	slow(t, s, r, e, tr, module("slow"))
	last = module("slow")
	tr.end()

	// The registry and the spec are gone. A new server continues from the old state, and serves
	// an Envoy that boots now.
	r.proxy.Stop()
	s.cp.Kill()
	if err := os.Remove(filepath.Join(s.dir, auth+".yaml")); err != nil {
		t.Fatal(err)
	}
	s.cp.Start()
	fresh := s.envoy(proxyOptions{node: "fresh"})
	s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return f.Module.SHA256 == harness.SHA256(last) && f.LiveOn(2) })
	fresh.WaitReady()
	if answer := harness.Get(t, fresh.web[0], map[string]string{"token": "ok"}); answer.Stamp() != "slow" {
		t.Errorf("the new Envoy answers with %q", answer.Stamp())
	}
	if err := r.proxy.Start(); err != nil { // toxiproxy's Stop in the clean-up needs a running proxy
		t.Error(err)
	}
}

// counted waits until Envoy has counted the last update. Envoy counts after all workers have the
// update, which is after the ACK.
func counted(tr *traffic, stamp string) {
	tr.load.WaitStamp(stamp)
	tr.load.WaitRequests(100)
}

// slow limits the registry's bandwidth. The slow download is no error, and nothing changes until
// the last byte has arrived.
func slow(t *testing.T, s *scenario, r *badRegistry, e *proxy, tr *traffic, module []byte) {
	t.Helper()
	before := e.FilterStats(auth)
	end := r.toxic("bandwidth", `{"rate": 30}`) // KB/s
	r.Push(t, "team/auth:prod", registrytest.Artifact(module))
	s.cp.WaitLog("downloading module")
	tr.load.WaitRequests(50)
	if d := harness.Diff(before, e.FilterStats(auth)); d["config_reload"] != 0 || d["config_fail"] != 0 {
		t.Errorf("slow: Envoy was sent something: %v", d)
	}
	s.cp.WaitLive(auth, module, 1)
	end()
	tr.live("slow")
}
