package simenvoy_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/test/simenvoy"
)

func pack(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (r *recorder) await(what string, done func() bool) {
	r.t.Helper()
	ok := harness.Poll(r.t.Context(), func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return done()
	})
	if !ok {
		r.t.Fatalf("waited in vain for %s", what)
	}
}

// answered waits for an ACK (or NACK) of a version on any stream.
func (r *recorder) answered(version string, nack bool) {
	r.t.Helper()
	r.await("an answer to "+version, func() bool {
		for _, st := range r.streams {
			if !nack && st.accepted[version] || nack && st.refused[version] {
				return true
			}
		}
		return false
	})
}

// streamOf returns the newest stream that has asked for a name.
func (r *recorder) streamOf(name string) *recorded {
	for i := len(r.streams) - 1; i >= 0; i-- {
		if r.streams[i].names[name] {
			return r.streams[i]
		}
	}
	return nil
}

// push sends a version, or several in one response, and waits for the answer.
func (r *recorder) push(nack bool, several ...resource) {
	r.t.Helper()
	r.mu.Lock()
	st := r.streamOf(several[0].name)
	r.mu.Unlock()
	st.push <- several
	r.answered(several[0].version, nack)
}

var names = []string{"a", "b", "c"}

// play runs the script: boot, an update, a refusal and its repair. If the stream carries all
// names, the script also sends several names in a response. At the end the connection breaks.
func (r *recorder) play(mode simenvoy.Mode) {
	r.t.Helper()
	for _, name := range names {
		r.answered("v1-"+name, false)
	}
	r.push(false, resource{"a", "v2-a"})
	r.push(true, resource{"b", "bad-b"})
	r.push(false, resource{"c", "v2-c"})
	r.push(false, resource{"b", "v3-b"})
	r.push(true, resource{"c", "bad-c"})
	if together(mode) {
		r.push(false, resource{"a", "v5-a"}, resource{"b", "v5-b"}, resource{"c", "v5-c"})
		r.push(true, resource{"a", "v6-a"}, resource{"b", "bad-b6"}, resource{"c", "v6-c"})
		r.push(false, resource{"a", "v7-a"})
	}
	r.mu.Lock()
	before := len(r.streams)
	for _, st := range r.streams {
		st.end()
	}
	r.mu.Unlock()
	r.await("the streams to come back", func() bool {
		if len(r.streams) != 2*before {
			return false
		}
		for _, name := range names {
			if st := r.streamOf(name); st == nil || !slices.Contains(r.streams[before:], st) {
				return false
			}
		}
		return true
	})
	r.push(false, resource{"c", "v4-c"})
}

// together reports whether a response may have several names.
func together(mode simenvoy.Mode) bool { return mode == simenvoy.ADSDelta || mode == simenvoy.ADSSotW }

// transcript returns the requests of each stream, sorted. Envoy opens plain ECDS streams in any
// order.
func (r *recorder) transcript() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, st := range r.streams {
		text := fmt.Sprintf("%d with a node\n", st.nodes)
		all = append(all, text+strings.Join(st.requests, "\n"))
	}
	slices.Sort(all)
	return all
}

// TestLikeTheRealOne plays one script with a real and with a simulated Envoy and compares every
// request: subscriptions, nonces, ACKs, NACKs, and the versions sent on the next stream.
func TestLikeTheRealOne(t *testing.T) {
	for _, mode := range simenvoy.Modes() {
		t.Run(string(mode), func(t *testing.T) {
			real := startRecorder(t)
			bootstrap := harness.Bootstrap{Mode: harness.Mode(mode), XDSAddress: real.address, HTTP: []harness.HTTPListener{{
				Name: "web", Port: harness.FreePort(t), Filters: harness.Filters(names...),
				Upstream: harness.StartUpstream(t).Address(),
			}}}
			harness.StartEnvoy(t, harness.EnvoyOptions{Bootstrap: bootstrap.YAML(t)})
			real.play(mode)

			simulated := startRecorder(t)
			e, err := simenvoy.Start(t.Context(), simenvoy.Config{
				Address: simulated.address, Mode: mode, Names: simenvoy.NewNames(names...),
				Node: simenvoy.NewNode("edge-1", "edge"), Backoff: time.Millisecond,
				Judge: func(name, _ string, resource []byte) error {
					if bytes.Contains(resource, []byte("\x00asmbad")) {
						return errors.New("Unable to create Wasm plugin " + name)
					}
					return nil
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			simulated.play(mode)

			if diff := cmp.Diff(real.transcript(), simulated.transcript()); diff != "" {
				t.Errorf("real (-), simulated (+):\n%s", diff)
			}
			node := func(r *recorder) *corev3.Node { return r.streams[0].node }
			if diff := cmp.Diff(node(real), node(simulated), protocmp.Transform()); diff != "" {
				t.Errorf("nodes, real (-), simulated (+):\n%s", diff)
			}
			acks, nacks := int64(7), int64(2)
			if together(mode) {
				acks, nacks = acks+2, nacks+1
			}
			if c := e.Counts(); c.NACKs != nacks || c.ACKs != acks || c.BytesIn == 0 || c.BytesOut == 0 {
				t.Errorf("counts %+v", c)
			}
		})
	}
}

// TestRemote checks Envoy's behaviour with nack_on_code_cache_miss.
func TestRemote(t *testing.T) {
	module := []byte("the module")
	sha := harness.SHA256(module)
	asked := make(chan *http.Request, 10)
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		_, _ = w.Write(module)
	}))
	defer files.Close()
	r := startRecorder(t)
	e, err := simenvoy.Start(t.Context(), simenvoy.Config{
		Address: r.address, Names: simenvoy.NewNames("a"), Modules: files.Listener.Addr().String(), Backoff: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	r.answered("v1-a", false) // inline: accepted at once
	r.push(true, resource{"a", "remote-1 " + sha})
	if got := <-asked; got.Host != "modules.example:80" || got.URL.RequestURI() != "/modules/x.wasm?t=remote-1" {
		t.Errorf("GET %s of %s", got.URL, got.Host)
	}
	if !harness.Poll(t.Context(), func() bool { return e.Fetched() == 1 }) {
		t.Fatal("the module is not in the code cache")
	}
	r.push(false, resource{"a", "remote-2 " + sha})
	select {
	case <-asked:
		t.Error("a module that is in the code cache was fetched again")
	default:
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
