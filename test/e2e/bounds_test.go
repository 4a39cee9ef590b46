package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// The server ends the stream of a client with too many made-up names, forgets the names, and
// keeps serving the Envoy beside the client.
func TestMadeUpNamesAreBounded(t *testing.T) {
	s := newScenario(t, "--max-names", "50", "--max-names-per-stream", "100")
	v1, v2 := authModule("v1"), authModule("v2")
	s.write(auth, v1, "")
	s.cp.Start()
	envoy := s.envoy(proxyOptions{web: [][]harness.Filter{harness.Filters(auth), harness.Filters("misspelt")}})
	s.cp.WaitLive(auth, v1, 1)
	s.cp.WaitFilter("misspelt", isUnknown)
	l := s.load(envoy)
	l.live("v1")
	for n, flag := range map[int]string{60: "--max-names)", 101: "--max-names-per-stream)"} {
		str, err := discoveryv3.NewAggregatedDiscoveryServiceClient(dialXDS(t, s.cp.XDSAddress())).DeltaAggregatedResources(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf("made-up-%03d", i))
		}
		if err := str.Send(&discoveryv3.DeltaDiscoveryRequest{Node: &corev3.Node{Id: "greedy"}, TypeUrl: resourcev3.ExtensionConfigType, ResourceNamesSubscribe: names}); err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = str.Recv()
		}
		if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), flag) {
			t.Errorf("%d names: %v, want %s", n, err, flag)
		}
	}
	out := s.command(0, "status")
	for _, want := range []string{"--max-names 50: 1 stream was ended, the last node greedy", "--max-names-per-stream 100: 1 stream was ended"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if !harness.Poll(t.Context(), func() bool { return len(s.cp.Status()) == 2 }) {
		t.Errorf("the status has %d filters", len(s.cp.Status()))
	}
	s.swap(auth, v2, "", 1)
	l.live("v2")
	l.end()
}
