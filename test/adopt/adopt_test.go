package adopt_test

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/test/bootstraps"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// example is a bootstrap with the adoption and the probes.
type example struct {
	args    []string // of adopt
	probes  []probe  // for every listener
	version string   // of Envoy; "": the default
	// guarded are the probes through the filter auth afterwards.
	guarded []string
	filters []string // the live filters afterwards
	module  []byte   // of auth; nil: authModule
	// secured returns further flags of serve and of adopt; nil: there are none. The control plane
	// then has other addresses than the defaults, or speaks TLS.
	secured func(w *world) (serve, adopt []string)
}

// onSockets lets the control plane listen on Unix sockets.
func onSockets(w *world) (serve, adopt []string) {
	addresses := []string{
		"--xds-address", "unix://" + filepath.Join(w.dir, "xds.sock"), "--modules-address", "unix://" + filepath.Join(w.dir, "modules.sock"),
	}
	return addresses, addresses
}

// withTLS gives certificates to both sides.
func withTLS(w *world) (serve, adopt []string) {
	servers, clients := w.t.TempDir(), w.t.TempDir()
	w.ca.Issue(w.t, pki.Request{}).WriteFiles(w.t, servers)
	w.ca.Issue(w.t, pki.Request{}).WriteFiles(w.t, clients)
	ca := filepath.Join(w.dir, "ca.crt")
	pki.WriteFile(w.t, ca, w.ca.PEM())
	return []string{
		"--tls-cert-file", filepath.Join(servers, "tls.crt"), "--tls-key-file", filepath.Join(servers, "tls.key"), "--client-ca-file", ca,
	}, []string{
		"--tls-cert-file", filepath.Join(clients, "tls.crt"), "--tls-key-file", filepath.Join(clients, "tls.key"), "--tls-ca-file", ca,
		"--tls-sds-dir", filepath.Join(w.dir, "sds"),
	}
}

func web(name, path string) probe {
	return probe{name: name, port: webPort, path: path, header: token()}
}

// examples has the bootstraps by name.
func examples() map[string]example {
	auth := []string{"--filter", "auth"}
	return map[string]example{
		"front-proxy.yaml": {
			args:    auth,
			probes:  []probe{web("first", "/service/1"), web("second", "/service/2"), web("about", "/about"), web("none", "/else")},
			guarded: []string{"first", "second", "about", "none"}, filters: []string{"auth"},
		},
		"tcp-proxy.yaml": {
			args: auth, probes: []probe{{name: "echo", port: echoPort, tcp: true}}, filters: []string{"auth"},
			module: testfilter.Network{Stamp: "auth"}.Module(),
		},
		"grpc.yaml": {
			args: append(auth, "--before", "envoy.filters.http.cors"), guarded: []string{"call"}, filters: []string{"auth"},
			probes: []probe{{name: "call", port: grpcPort, grpc: true, header: token()}},
		},
		"tls.yaml": {
			args: append(auth, "--listener", "https"), guarded: []string{"shop", "other"}, filters: []string{"auth"},
			probes: []probe{
				{name: "redirect", port: webPort, path: "/x", host: "shop.example.com"},
				{name: "shop", port: httpsPort, path: "/", host: "shop.example.com", tls: true, header: token()},
				{name: "other", port: httpsPort, path: "/", host: "other.example.com", tls: true, header: token()},
			},
			secured: withTLS,
		},
		"listeners.yaml": {
			secured: onSockets,
			args:    append(auth, "--listener", "public", "--listener", "private"), guarded: []string{"public", "private"}, filters: []string{"auth"},
			probes: []probe{
				web("public", "/"), web("health check", "/healthz"),
				{name: "health", port: healthPort, path: "/"},
				{name: "private", port: privatePort, path: "/", header: token()},
				{name: "echo", port: echoPort, tcp: true},
			},
		},
		"other-ads.yaml": {args: auth, probes: []probe{web("web", "/")}, guarded: []string{"web"}, filters: []string{"auth"}, version: "1.36.4"},
		"files.yaml":     {args: auth, probes: []probe{web("web", "/")}, guarded: []string{"web"}, filters: []string{"auth"}},
		"json.json":      {args: auth, probes: []probe{web("web", "/")}, guarded: []string{"web"}, filters: []string{"auth"}, version: "1.36.4"},
		"anchors.yaml": {
			args: auth, probes: []probe{web("public", "/"), {name: "neighbours", port: privatePort, path: "/", header: token()}},
			guarded: []string{"public", "neighbours"}, filters: []string{"auth"},
		},
		"wasm.yaml": {
			probes: []probe{
				web("with a token", "/"), {name: "without a token", port: webPort, path: "/"}, {name: "echo", port: echoPort, tcp: true},
			},
			filters: []string{"tokens", "stamp", "reloads", "tcp_log"},
		},
	}
}

// Each bootstrap runs unchanged on an Envoy, and again after adopt, beside a control plane. The
// filters are live then, and everything else answers as before.
func TestAdopt(t *testing.T) {
	for name, x := range examples() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testExample(t, name, x)
		})
	}
	if len(examples()) != len(bootstraps.Good()) {
		t.Errorf("%d bootstraps have an example, of %d", len(examples()), len(bootstraps.Good()))
	}
}

func testExample(t *testing.T, name string, x example) {
	w := newWorld(t, name)
	path := w.write(name)
	original := read(t, path)
	envoy := harness.StartEnvoy(t, harness.EnvoyOptions{Version: x.version, Bootstrap: original})
	envoy.WaitReady()
	before, config := w.answers(x.probes), dumpOf(t, envoy)
	envoy.Stop()

	specs := filepath.Join(t.TempDir(), "filters")
	if len(x.args) > 0 {
		module, kind := x.module, "type: network\n"
		if module == nil {
			module, kind = authModule(), ""
		}
		harness.WriteFilter(t, specs, "auth", module, kind)
	}
	cp := harness.NewControlPlane(t, harness.ControlPlaneOptions{Dir: specs})
	adopted := filepath.Join(w.dir, "adopted"+filepath.Ext(name))
	args := append([]string{
		"--specs", specs, "--xds-address", cp.XDSAddress(), "--modules-address", cp.ModulesAddress(), "--envoy", harness.Envoy(t, x.version),
	}, x.args...)
	if x.secured != nil {
		serve, adopt := x.secured(w)
		cp.SetArgs(serve...)
		args = append(args, adopt...)
	}
	s := w.adopt(append([]string{path, "--out", adopted}, args...)...)
	if s.Validation.Result != "passed" {
		t.Errorf("Envoy has not taken the result: %+v", s)
	}
	reporting, stats := filepath.Join(w.dir, "reporting"+filepath.Ext(name)), append([]string{"--stats"}, args...)
	if r := w.adopt(append([]string{path, "--out", reporting}, stats...)...); r.Validation.Result != "passed" || !strings.Contains(r.Patch, "stats_sinks") {
		t.Errorf("Envoy has not taken the result with --stats: %+v", r)
	}
	checkAgain(w, reporting, stats)
	for _, file := range s.Elsewhere {
		w.adopt(append([]string{file, "--in-place"}, args...)...)
	}
	if read(t, path) != original {
		t.Error("the original has changed")
	}
	checkAgain(w, adopted, args)
	checkDoctor(w, adopted, specs)

	cp.Start()
	envoy = harness.StartEnvoy(t, harness.EnvoyOptions{Version: x.version, Bootstrap: read(t, adopted)})
	envoy.WaitReady()
	for _, filter := range x.filters {
		cp.WaitFilter(filter, func(f harness.FilterStatus) bool { return f.LiveOn(len(f.Subscribers)) && len(f.Subscribers) > 0 })
	}
	w.compare(x, before, w.answers(x.probes))
	compareDumps(t, config, dumpOf(t, envoy))
}

// summary is the tested part of adopt's JSON.
type summary struct {
	Changed    bool
	Elsewhere  []string
	Specs      []struct{ Name, File, Module string }
	Validation struct{ Result, Reason string }
	Warnings   []struct{ Message string }
	Patch      string
}

func (w *world) adopt(args ...string) (s summary) {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), harness.BuildBinary(w.t), append([]string{"adopt", "-o", "json"}, args...)...)
	var words strings.Builder
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("adopt %s: %v\n%s%s", args, err, out, words.String())
	}
	must(w.t, json.Unmarshal(out, &s))
	return s
}

// checkAgain adopts the result once more: nothing changes.
func checkAgain(w *world, adopted string, args []string) {
	w.t.Helper()
	again := filepath.Join(w.t.TempDir(), "again"+filepath.Ext(adopted))
	if s := w.adopt(append([]string{adopted, "--out", again}, args...)...); s.Changed || s.Patch != "" {
		w.t.Errorf("the second run changes something:\n%s", s.Patch)
	}
	if diff := cmp.Diff(read(w.t, adopted), read(w.t, again)); diff != "" {
		w.t.Errorf("the second run (-once +twice):\n%s", diff)
	}
}

// checkDoctor expects doctor to find nothing.
func checkDoctor(w *world, adopted, specs string) {
	w.t.Helper()
	out, err := exec.CommandContext(w.t.Context(), harness.BuildBinary(w.t), "doctor", adopted, "--specs", specs).Output()
	if err != nil || len(out) > 0 {
		w.t.Errorf("doctor: %v\n%s", err, out)
	}
}

// compare expects the answers of before, and the stamp of the filter at guarded probes.
func (w *world) compare(x example, before, after map[string]string) {
	w.t.Helper()
	guarded := map[string]bool{}
	for _, name := range x.guarded {
		guarded[name] = true
	}
	for _, p := range x.probes {
		answer, stamped := withoutStamp(after[p.name])
		if p.tcp && x.module != nil {
			answer, stamped = strings.CutPrefix(answer, "[auth]")
			guarded[p.name] = true
		}
		if diff := cmp.Diff(before[p.name], answer); diff != "" {
			w.t.Errorf("%s (-before +after):\n%s", p.name, diff)
		}
		if stamped != guarded[p.name] {
			w.t.Errorf("%s: the filter auth is there: %v, want %v", p.name, stamped, guarded[p.name])
		}
		if !guarded[p.name] || p.tcp {
			continue
		}
		p.header = http.Header{}
		if refused := w.ask(p); !strings.HasPrefix(refused, "403\n") && !strings.Contains(refused, "PermissionDenied") {
			w.t.Errorf("%s without a token: %s", p.name, refused)
		}
	}
}

// compareDumps expects the clusters and listeners of before, and the two clusters of wasm-xds.
func compareDumps(t *testing.T, before, after dump) {
	t.Helper()
	for _, added := range []string{"wasm_xds", "wasm_xds_modules"} {
		if after.clusters[added] == nil {
			t.Errorf("there is no cluster %s", added)
		}
		delete(after.clusters, added)
	}
	if diff := cmp.Diff(before.clusters, after.clusters); diff != "" {
		t.Errorf("the clusters (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(before.listeners, after.listeners); diff != "" {
		t.Errorf("the listeners (-before +after):\n%s", diff)
	}
}
