package envoyfacts

import (
	"fmt"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// resource is a filter or a listener with a version.
type resource struct {
	name    string
	version string
	message proto.Message
}

// say sends resources without waiting and returns the response's nonce. In SotW the last
// resource's version becomes version_info.
func (st *stream) say(typeURL string, resources ...resource) string {
	st.server.t.Helper()
	st.server.mu.Lock()
	st.sent++
	nonce := fmt.Sprint("n", st.sent)
	st.server.mu.Unlock()
	if st.delta {
		answer := &discoveryv3.DeltaDiscoveryResponse{TypeUrl: typeURL, Nonce: nonce}
		for _, r := range resources {
			answer.Resources = append(answer.Resources, &discoveryv3.Resource{
				Name: r.name, Version: r.version, Resource: pack(st.server.t, r.message),
			})
		}
		st.out <- answer
		return nonce
	}
	answer := &discoveryv3.DiscoveryResponse{TypeUrl: typeURL, Nonce: nonce}
	for _, r := range resources {
		answer.VersionInfo = r.version
		answer.Resources = append(answer.Resources, pack(st.server.t, r.message))
	}
	st.out <- answer
	return nonce
}

// remove removes names. Only delta can remove names.
func (st *stream) remove(typeURL string, names ...string) request {
	st.server.t.Helper()
	st.server.mu.Lock()
	st.sent++
	nonce := fmt.Sprint("n", st.sent)
	st.server.mu.Unlock()
	st.out <- &discoveryv3.DeltaDiscoveryResponse{TypeUrl: typeURL, Nonce: nonce, RemovedResources: names}
	return st.verdict(nonce)
}

// verdict waits for the ACK or NACK of a response.
func (st *stream) verdict(nonce string) request {
	t := st.server.t
	t.Helper()
	var found request
	ok := harness.Poll(t.Context(), func() bool {
		st.server.mu.Lock()
		defer st.server.mu.Unlock()
		for _, r := range st.requests {
			if r.nonce == nonce {
				found = r
				return true
			}
		}
		return false
	})
	if !ok {
		t.Fatalf("neither ACK nor NACK of %s", nonce)
	}
	return found
}

// ack sends filters and expects an ACK.
func (st *stream) ack(resources ...resource) request {
	st.server.t.Helper()
	r := st.verdict(st.say(filterType, resources...))
	if r.nackedYet {
		st.server.t.Fatalf("Envoy refuses %s %s: %s", resources[0].name, resources[0].version, r.nack)
	}
	return r
}

// nack sends filters, expects a NACK, and returns Envoy's error text.
func (st *stream) nack(resources ...resource) string {
	st.server.t.Helper()
	r := st.verdict(st.say(filterType, resources...))
	if !r.nackedYet {
		st.server.t.Fatalf("Envoy takes %s %s", resources[0].name, resources[0].version)
	}
	return r.nack
}

// reconnect ends every stream and waits for the next stream with name.
func (s *xdsServer) reconnect(stop func(), name string) (again *stream, stopAgain func()) {
	s.t.Helper()
	stop()
	stopAgain = s.listen()
	return s.stream(name), stopAgain
}

func pack(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	packed := &anypb.Any{}
	if err := anypb.MarshalFrom(packed, m, proto.MarshalOptions{Deterministic: true}); err != nil {
		t.Fatal(err)
	}
	return packed
}

// settled waits until Envoy's main thread has finished earlier work. The admin server answers on
// the main thread.
func settled(e *harness.EnvoyProcess) { e.Stat("server.uptime") }

// wantReloads waits for the n-th reload of a filter since Envoy's start. Envoy counts a reload
// when the last worker has the plugin, which is after the ACK.
func (e *edge) wantReloads(filter string, n int64) {
	e.t.Helper()
	var last int64
	harness.Poll(e.t.Context(), func() bool {
		last = e.FilterStats(filter)["config_reload"]
		return last >= n
	})
	if last != n {
		e.t.Errorf("%s: %d reloads, want %d", filter, last, n)
	}
}
