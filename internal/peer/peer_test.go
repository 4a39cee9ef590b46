package peer_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/peer"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
	"github.com/wasm-xds/wasm-xds/internal/tlsserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ledger is a fixed fleet.
type ledger []peer.Peer

func (l ledger) Peers() []peer.Peer      { return l }
func (l ledger) Standing() peer.Standing { return peer.Standing{} }

// own is a replica with filters. A question while a question is answered fails the test.
type own struct {
	filters []api.Filter
	gets    chan peer.Get
}

func (o own) Filters() []api.Filter { return slices.Clone(o.filters) }

func (o own) Filter(name string) (api.Filter, bool) {
	i := slices.IndexFunc(o.filters, func(f api.Filter) bool { return f.Name == name })
	if i < 0 {
		return api.Filter{}, false
	}
	return o.filters[i], true
}

func (o own) Replica() api.Replica { return api.Replica{Version: "1.2.3", Set: "abc", Envoys: 7} }

func (o own) Took(all []peer.Get) {
	for _, g := range all {
		o.gets <- g
	}
}

// modules serves a module with the sha256 m to peers only.
func modules(w http.ResponseWriter, r *http.Request) {
	if !peer.IsPeer(r) || r.URL.Path != "/modules/m.wasm" {
		http.NotFound(w, r)
		return
	}
	_, _ = io.WriteString(w, "module")
}

// replica starts a replica, and returns it as its peers know it.
func replica(t *testing.T, name string, o own) peer.Peer {
	t.Helper()
	key := peer.NewKey()
	server := httptest.NewServer(peer.Handler(key, o, http.HandlerFunc(modules)))
	t.Cleanup(server.Close)
	return peer.Peer{Name: name, URL: server.URL, Key: key}
}

// silent starts a server that takes requests and does not answer.
func silent(t *testing.T, name string) peer.Peer {
	t.Helper()
	end := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-end:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() {
		close(end)
		server.Close()
	})
	return peer.Peer{Name: name, URL: server.URL, Key: "k"}
}

func fleetOf(t *testing.T, peers ...peer.Peer) *peer.Fleet {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	return peer.New(peer.Config{Name: "a", Ledger: ledger(peers), Transport: transport})
}

func envoy(node, address string, state api.SubscriberState) api.Subscriber {
	return api.Subscriber{Node: node, Cluster: "c", Address: address, State: state, Stream: "7"}
}

// A filter has the Envoys of all replicas. An Envoy that has moved to another replica has not gone.
// A peer that does not answer is named.
func TestFilterOfTheFleet(t *testing.T) {
	mine := api.Filter{Name: "auth", Revision: "r", State: api.FilterActive, Stable: "r", Subscribers: []api.Subscriber{
		envoy("1", "10.0.0.1:1", api.SubscriberLive), envoy("2", "10.0.0.2:1", api.SubscriberGone), envoy("9", "10.0.0.9:1", api.SubscriberGone),
	}}
	b := replica(t, "b", own{filters: []api.Filter{
		{Name: "auth", Revision: "other", State: api.FilterActive, Canaries: []string{"7"}, Subscribers: []api.Subscriber{envoy("2", "10.0.0.2:2", api.SubscriberPending)}},
		{Name: "only-b", State: api.FilterUnknown},
	}})
	f := fleetOf(t, b, peer.Peer{Name: "c"}, silent(t, "d"))
	got, known := f.Filter(t.Context(), "auth", mine, true)
	var where []string
	for _, s := range got.Subscribers {
		where = append(where, s.Node+"@"+s.Replica+":"+s.Stream)
	}
	if !known || got.Revision != "r" || strings.Join(where, " ") != "1@a:7 9@a:7 2@b:b/7" || strings.Join(got.Canaries, " ") != "b/7" || got.Envoys != (api.Envoys{Live: 1, Total: 2, Gone: 1}) ||
		got.Condition != api.ConditionProgressing || strings.Join(got.Incomplete, " ") != "c d" {
		t.Errorf("%t, %v, %+v", known, where, got)
	}
	if len(mine.Subscribers) != 3 || mine.Subscribers[0].Replica != "" {
		t.Error("the answer changes the replica's own form")
	}
	if got, known := f.Filter(t.Context(), "only-b", api.Filter{}, false); !known || got.State != api.FilterUnknown {
		t.Errorf("%t, %+v", known, got)
	}
	if _, known := f.Filter(t.Context(), "nobody's", api.Filter{}, false); known {
		t.Error("a filter that nobody has")
	}
	f = fleetOf(t, b)
	all := f.Filters(t.Context(), []api.Filter{mine}, true)
	if len(all) != 2 || len(all[0].Subscribers) != 3 || all[0].Incomplete != nil || all[1].Name != "only-b" {
		t.Errorf("%+v", all)
	}
	mine.Summarize()
	all = f.Filters(t.Context(), []api.Filter{mine}, false)
	if all[0].Subscribers != nil || all[0].Envoys != (api.Envoys{Live: 1, Total: 2, Gone: 2}) || all[0].Condition != api.ConditionProgressing {
		t.Errorf("%+v", all)
	}
}

// One server has no peers, and its filters are its own.
func TestAServerAlone(t *testing.T) {
	f, mine := fleetOf(t), api.Filter{Name: "auth", Subscribers: []api.Subscriber{envoy("1", "10.0.0.1:1", api.SubscriberLive)}}
	if got, _ := f.Filter(t.Context(), "auth", mine, true); got.Subscribers[0].Replica != "" {
		t.Errorf("%+v", got)
	}
	if got := f.Filters(t.Context(), []api.Filter{mine}, true); len(got) != 1 || got[0].Subscribers[0].Replica != "" {
		t.Errorf("%+v", got)
	}
	if err := f.Fetch(t.Context(), "m", nil); !errors.Is(err, peer.ErrNobody) {
		t.Errorf("%v", err)
	}
	f.Tell(peer.Get{Token: "t"})
}

func TestReplicas(t *testing.T) {
	b := replica(t, "b", own{})
	b.Leader = true
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	d := silent(t, "d")
	d.Since, d.Set = since, "old"
	all := fleetOf(t, d, b, peer.Peer{Name: "c"}).Replicas(t.Context(), api.Replica{Name: "a", Self: true, Reachable: true})
	if len(all) != 4 {
		t.Fatalf("%+v", all)
	}
	if a := all[0]; !a.Self || a.Name != "a" {
		t.Errorf("%+v", a)
	}
	if r := all[1]; r.Name != "b" || !r.Leader || !r.Reachable || r.Self || r.Set != "abc" || r.Envoys != 7 || r.URL != b.URL {
		t.Errorf("%+v", r)
	}
	if r := all[2]; r.Reachable || r.Error == nil || !strings.Contains(r.Error.Message, "--peer-url") {
		t.Errorf("%+v", r)
	}
	if r := all[3]; r.Reachable || r.Error == nil || !strings.Contains(r.Error.Message, "does not answer") || r.Set != "old" || !r.Since.Equal(since) {
		t.Errorf("%+v", r)
	}
}

// A module comes from the first peer whose bytes are taken.
func TestFetch(t *testing.T) {
	a, b, c := replica(t, "a", own{}), replica(t, "b", own{}), replica(t, "c", own{})
	c.Key = "wrong" // its answers are those for everybody
	var mu sync.Mutex
	counts := map[peer.Outcome]int{}
	f := peer.New(peer.Config{
		Ledger:    ledger{a, b, c, {Name: "nobody", URL: "http://127.0.0.1:1", Key: "k"}},
		Transport: &http.Transport{DisableKeepAlives: true},
		Count: func(o peer.Outcome) {
			mu.Lock()
			defer mu.Unlock()
			counts[o]++
		},
	})
	tries := 0
	err := f.Fetch(t.Context(), "m", func(r io.Reader) error {
		text, err := io.ReadAll(r)
		if err != nil || string(text) != "module" {
			t.Errorf("%q, %v", text, err)
		}
		if tries++; tries == 1 {
			return errors.New("wrong bytes")
		}
		return nil
	})
	if err != nil || tries != 2 || counts[peer.Taken] != 1 || counts[peer.Failed] < 1 {
		t.Errorf("%v after %d tries: %v", err, tries, counts)
	}
	if err := f.Fetch(t.Context(), "other", nil); !errors.Is(err, peer.ErrNobody) || counts[peer.Missing] < 3 {
		t.Errorf("%v: %v", err, counts)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Fetch(ctx, "m", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Without the key, nobody gets an answer or the rights of a peer.
func TestOnlyPeersAreAnswered(t *testing.T) {
	b := replica(t, "b", own{filters: []api.Filter{{Name: "auth"}}, gets: make(chan peer.Get)})
	for _, key := range []string{"", "Bearer ", "Bearer wrong", b.Key, "Basic " + b.Key} {
		for _, path := range []string{"/peer/v1/replica", "/peer/v1/filters", "/peer/v1/filter?name=auth", "/modules/m.wasm"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL+path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", key)
			r.Close = true
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusNotFound {
				t.Errorf("%q gets %s from %s", key, answer.Status, path)
			}
		}
	}
	// A server without a key answers nobody.
	answer := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/peer/v1/replica", http.NoBody)
	r.Header.Set("Authorization", "Bearer ")
	peer.Handler("", own{}, http.NotFoundHandler()).ServeHTTP(answer, r)
	if answer.Code != http.StatusNotFound {
		t.Errorf("%d", answer.Code)
	}
}

// Peers hear of GETs in their order. A peer that does not answer holds up the others once.
func TestPeersHearOfGETs(t *testing.T) {
	o := own{gets: make(chan peer.Get, 10)}
	f := fleetOf(t, replica(t, "b", o), peer.Peer{Name: "c", URL: "http://127.0.0.1:1", Key: "k"})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { f.Run(ctx) })
	defer running.Wait()
	defer cancel()
	all := []peer.Get{{Token: "1", Client: "x"}, {Token: "1", Client: "x", Ended: true, Complete: true, Taken: true}, {Token: "2"}}
	for _, g := range all {
		f.Tell(g)
	}
	for _, want := range all {
		if got := <-o.gets; got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

// material is the TLS material of a replica.
type material tlsserver.Material

func (m *material) Material() *tlsserver.Material { return (*tlsserver.Material)(m) }

// Replicas speak mutual TLS with their own certificates. A server with a certificate of another
// authority, or of another identity, is asked nothing.
func TestMutualTLSOfPeers(t *testing.T) {
	ca, other := pki.NewCA(t, "ca"), pki.NewCA(t, "other")
	const id = "spiffe://example.org/wasm-xds"
	newServer := func(issuer, clients *pki.CA, uri string) *tlsserver.Server {
		m, err := tlsserver.NewMaterial(issuer.Issue(t, pki.Request{URI: uri}).TLS(t))
		if err != nil {
			t.Fatal(err)
		}
		m.ClientCAs = clients.Pool()
		if uri != "" {
			m.CheckClient = func([]*x509.Certificate, time.Time) error { return nil }
		}
		return tlsserver.New((*material)(m))
	}
	start := func(t *testing.T, server *tlsserver.Server) peer.Peer {
		t.Helper()
		key := peer.NewKey()
		s := httptest.NewUnstartedServer(peer.Handler(key, own{}, http.NotFoundHandler()))
		s.TLS, s.Config.ErrorLog = server.Config("http/1.1"), log.New(io.Discard, "", 0)
		s.StartTLS()
		t.Cleanup(s.Close)
		return peer.Peer{Name: "b", URL: s.URL, Key: key}
	}
	for name, tt := range map[string]struct {
		self, to *tlsserver.Server
		want     bool
	}{
		"the same authority":           {newServer(ca, ca, ""), newServer(ca, ca, ""), true},
		"a peer of another authority":  {newServer(ca, ca, ""), newServer(other, ca, ""), false},
		"a peer that trusts others":    {newServer(ca, ca, ""), newServer(ca, other, ""), false},
		"the same identity":            {newServer(ca, ca, id), newServer(ca, ca, id), true},
		"another identity":             {newServer(ca, ca, id), newServer(ca, ca, id+"/envoy"), false},
		"the identity of another root": {newServer(ca, ca, id), newServer(other, ca, id), false},
	} {
		t.Run(name, func(t *testing.T) {
			f := peer.New(peer.Config{Name: "a", Ledger: ledger{start(t, tt.to)}, Transport: &http.Transport{
				DisableKeepAlives: true,
				DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
					return tt.self.DialPeer(ctx, &net.Dialer{}, network, address)
				},
			}})
			got := f.Replicas(t.Context(), api.Replica{Name: "a"})[1]
			if got.Reachable != tt.want {
				t.Errorf("%+v, %v", got, got.Error)
			}
		})
	}
}
