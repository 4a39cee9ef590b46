package chaos

import (
	"strconv"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// sideListener is an additional listener of an Envoy. No spec has the name of the listener's
// filter, so the Envoy only subscribes to the name and unsubscribes again.
type sideListener struct {
	path     string // of the discovery response, watched by Envoy
	listener *listenerv3.Listener
	version  int
}

// sideFilter is the name that no spec has.
const sideFilter = "side"

func newSideListener(t harness.TB, boot harness.Bootstrap, upstream string) *sideListener {
	t.Helper()
	l := &sideListener{path: boot.LDSPath, listener: boot.Listener(t, harness.HTTPListener{
		Name: sideFilter, Port: harness.FreePort(t), Filters: harness.Filters(sideFilter), Upstream: upstream,
	})}
	if err := l.set(false); err != nil {
		t.Fatalf("%v", err)
	}
	return l
}

// set adds the listener, or removes it.
func (l *sideListener) set(there bool) error {
	l.version++
	response := &discoveryv3.DiscoveryResponse{VersionInfo: strconv.Itoa(l.version), TypeUrl: resourcev3.ListenerType}
	if there {
		resource, err := anypb.New(l.listener)
		if err != nil {
			return err
		}
		response.Resources = []*anypb.Any{resource}
	}
	text, err := protojson.Marshal(response)
	if err != nil {
		return err
	}
	return replace(l.path, text)
}
