package e2e_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// modules is a web server with modules. The server can be switched to failure.
type modules struct {
	*httptest.Server
	down atomic.Bool
	gets atomic.Int32
}

func serveModules(t *testing.T, byPath map[string][]byte) *modules {
	t.Helper()
	m := &modules{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.gets.Add(1)
		module, ok := byPath[r.URL.Path]
		switch {
		case m.down.Load():
			http.Error(w, "out of order", http.StatusNotFound)
		case !ok:
			http.NotFound(w, r)
		default:
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(module))
		}
	}))
	t.Cleanup(m.Close)
	return m
}

func (s *scenario) writeURL(name, url string, module []byte) {
	s.t.Helper()
	text := fmt.Sprintf("name: %s\nmodule:\n  url: %s\n  sha256: %s\n", name, url, harness.SHA256(module))
	harness.WriteFile(s.t, filepath.Join(s.dir, name+".yaml"), []byte(text))
}

// A module from a URL is downloaded once, verified, and survives the loss of the URL's server.
func TestModuleFromURL(t *testing.T) {
	one, two := authModule("v1"), authModule("v2")
	s := newScenario(t)
	web := serveModules(t, map[string][]byte{"/one.wasm": one, "/two.wasm": two})
	s.writeURL(auth, web.URL+"/one.wasm", one)
	s.cp.Start()
	e := s.envoy(proxyOptions{})
	s.cp.WaitLive(auth, one, 1)
	e.WaitReady()
	tr := s.traffic(e.web[0])
	tr.live("v1")
	s.writeURL(auth, web.URL+"/two.wasm", two)
	s.cp.WaitLive(auth, two, 1)
	tr.live("v2")
	downloads := web.gets.Load()

	// Wrong bytes and a lost server each give a single clear error and change nothing.
	web.down.Store(true)
	s.writeURL(auth, web.URL+"/three.wasm", authModule("v3"))
	failed := s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool {
		return f.Error != nil && f.Error.Code != "module_download_waits" // between two tries
	})
	if failed.Error.Code != "module_download_failed" && failed.Error.Code != "module_download_refused" {
		t.Errorf("error %+v", failed.Error)
	}
	web.down.Store(false)
	s.writeURL(auth, web.URL+"/one.wasm", authModule("v4"))
	s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return f.Error != nil && f.Error.Code == "module_sha256_mismatch" })
	web.down.Store(true)
	s.cp.Kill()
	s.cp.Start()
	s.writeURL(auth, web.URL+"/two.wasm", two)
	s.cp.WaitLive(auth, two, 1)
	tr.end()
	if downloads != 2 {
		t.Errorf("%d downloads of two modules", downloads)
	}
}

// A module damaged on disk reaches no Envoy. The server downloads the module again and then sends
// the good bytes.
func TestDamagedModuleFromURL(t *testing.T) {
	module := authModule("v1")
	s := newScenario(t)
	web := serveModules(t, map[string][]byte{"/one.wasm": module})
	s.writeURL(auth, web.URL+"/one.wasm", module)
	s.cp.Start()
	first := s.envoy(proxyOptions{node: "edge-1"})
	s.cp.WaitLive(auth, module, 1)
	first.WaitReady()
	tr := s.traffic(first.web[0])
	tr.live("v1")

	s.cp.Kill()
	stored := filepath.Join(s.cp.StateDir(), "modules", harness.SHA256(module)+".wasm")
	remove(t, stored)
	harness.WriteFile(t, stored, bytes.Repeat([]byte("x"), len(module)))
	s.cp.Start()
	second := s.envoy(proxyOptions{node: "edge-2"})
	s.cp.WaitLive(auth, module, 2)
	second.WaitReady()
	of2 := s.traffic(second.web[0])
	of2.live("v1")
	tr.end()
	of2.end()
	if n := web.gets.Load(); n != 2 {
		t.Errorf("%d downloads of a module that was damaged once", n)
	}
}
