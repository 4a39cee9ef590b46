package serve_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/peer"
	"github.com/wasm-xds/wasm-xds/internal/serve"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// ledger is the knowledge of a replica of the test about the others.
type ledger struct {
	mu    sync.Mutex
	peers []peer.Peer
	now   peer.Standing
}

func (l *ledger) Peers() []peer.Peer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peers
}

func (l *ledger) Standing() peer.Standing {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

func (l *ledger) set(now peer.Standing, peers ...peer.Peer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now, l.peers = now, peers
}

// replica is a server of the test.
type replica struct {
	t *testing.T
	serve.Addresses
	peer   peer.Peer // as others know it
	ledger *ledger
}

// startReplica serves a directory until the test ends.
func startReplica(t *testing.T, name, dir string, l *ledger) *replica {
	t.Helper()
	r := &replica{t: t, ledger: l, peer: peer.Peer{Name: name, Key: peer.NewKey()}}
	started, ended := make(chan serve.Addresses, 1), make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		ended <- serve.Run(ctx, serve.Config{
			Dir: dir, StateDir: filepath.Join(t.TempDir(), "state"), Logger: zap.NewNop(), Delivery: spec.Remote,
			XDSAddress: "127.0.0.1:0", ModulesAddress: "127.0.0.1:0", AdminAddress: "127.0.0.1:0",
			Replica: serve.Replica{Name: name, Key: r.peer.Key, Ledger: l},
			Started: func(a serve.Addresses) { started <- a },
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case r.Addresses = <-started:
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	r.peer.URL = "http://" + r.Modules
	return r
}

// get decodes the answer of the API.
func (r *replica) get(path string, into any) {
	r.t.Helper()
	answer, err := http.Get("http://" + r.Admin + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		r.t.Fatal(err)
	}
}

// wait waits until a filter is as wanted.
func (r *replica) wait(what string, wanted func(f api.Filter) bool) api.Filter {
	r.t.Helper()
	var f api.Filter
	if !harness.Poll(r.t.Context(), func() bool {
		f = api.Filter{}
		r.get("/api/v1/filters/auth", &f)
		return wanted(f)
	}) {
		r.t.Fatalf("%s: %+v", what, f)
	}
	return f
}

// A second replica takes a module from the first, and not from its URL. It answers for the
// Envoys of both. An Envoy with a stream to the first replica fetches a module from the second:
// the first hears of the GET, and sends no module inline.
func TestTwoReplicas(t *testing.T) {
	if testing.Short() {
		program.NotTested(t, "real Envoys take time")
	}
	v1, v2 := testfilter.HTTP{Stamp: "v1"}.Module(), testfilter.HTTP{Stamp: "v2"}.Module()
	var gets atomic.Int32
	remote := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		gets.Add(1)
		module := v1
		if strings.HasSuffix(r.URL.Path, "v2.wasm") {
			module = v2
		}
		_, _ = w.Write(module)
	}))
	defer remote.Close()
	dir := filepath.Join(t.TempDir(), "filters")
	write := func(name string, module []byte) {
		harness.WriteFile(t, filepath.Join(dir, "auth.yaml"),
			fmt.Appendf(nil, "name: auth\nmodule: {url: %s/%s.wasm, sha256: %s}\n", remote.URL, name, harness.SHA256(module)))
	}
	write("v1", v1)
	ofA, ofB := &ledger{}, &ledger{}
	a := startReplica(t, "a", dir, ofA)
	served := func(f api.Filter) bool { return f.Revision != "" }
	a.wait("a serves", served)
	ofB.set(peer.Standing{}, a.peer)
	b := startReplica(t, "b", dir, ofB)
	ofA.set(peer.Standing{Leads: true}, b.peer)
	b.wait("b serves", served)
	if n := gets.Load(); n != 1 {
		t.Errorf("%d GETs of the URL", n)
	}

	web := harness.Loopback(harness.FreePort(t))
	var text strings.Builder
	if err := bootstrap.Render(&text, bootstrap.Options{
		Filters: []bootstrap.Filter{{Name: "auth", Type: spec.HTTP}}, XDSAddress: a.XDS, ModulesAddress: b.Modules,
		ListenAddress: web, UpstreamAddress: harness.StartUpstream(t).Address(),
	}); err != nil {
		t.Fatal(err)
	}
	envoy := harness.StartEnvoy(t, harness.EnvoyOptions{Bootstrap: text.String()})
	envoy.WaitReady()
	live := func(module []byte) func(f api.Filter) bool {
		return func(f api.Filter) bool {
			return f.Module.SHA256 == harness.SHA256(module) && len(f.Subscribers) == 1 && f.Subscribers[0].State == api.SubscriberLive
		}
	}
	f := b.wait("b knows the Envoy of a", live(v1))
	if s := f.Subscribers[0]; s.Replica != "a" || s.Node != "envoy-1" || f.Incomplete != nil {
		t.Errorf("%+v of %+v", s, f)
	}
	write("v2", v2)
	if s := a.wait("v2 is live", live(v2)).Subscribers[0]; s.Variant != "remote" || s.Error != nil {
		t.Errorf("%+v, %v", s, s.Error)
	}

	// A lost replica is named, and the rest is told.
	ofA.set(peer.Standing{Leads: true, Degraded: "etcd does not answer", Since: time.Now()}, b.peer, peer.Peer{Name: "c", URL: "http://127.0.0.1:1", Key: "k"})
	f = a.wait("a knows its Envoy", live(v2))
	if strings.Join(f.Incomplete, " ") != "c" {
		t.Errorf("%+v", f)
	}
	var all []api.Replica
	a.get("/api/v1/replicas", &all)
	if len(all) != 3 || !all[0].Self || !all[0].Leader || all[0].Degraded == nil || all[0].Envoys != 1 ||
		!all[1].Reachable || all[1].Set != all[0].Set || all[2].Reachable || all[2].Error == nil {
		t.Errorf("%+v", all)
	}
}
