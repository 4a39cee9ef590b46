package xds

import (
	"maps"
	"slices"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/proto"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

func TestTooManyNames(t *testing.T) {
	if err := checkNames(make([]string, maxNames+1)); err == nil {
		t.Error("no error for too many names")
	}
	if err := checkNames([]string{string(make([]byte, maxNameLength+1))}); err == nil {
		t.Error("no error for a long name")
	}
}

func TestSotWNamesInAnyOrder(t *testing.T) {
	s := &stream{}
	take := func(names ...string) delivery.Requested {
		var e delivery.Requested
		s.setNames(names, nil, &e)
		return e
	}
	if e := take("c", "a", "*", "b", "a"); len(e.Subscribe) != 3 || e.Subscribe[0].Name != "a" {
		t.Errorf("first: %+v", e)
	}
	if e := take("c", "a", "b", "a"); len(e.Subscribe)+len(e.Unsubscribe) != 0 {
		t.Errorf("the same names in another order: %+v", e)
	}
	if !s.sameNames(request("c", "a", "b", "a")) || s.sameNames(request("a", "c", "b")) || s.sameNames(request("c", "a", "b")) {
		t.Error("the same list is not known again")
	}
	if e := take("b", "d"); !slices.Equal(e.Unsubscribe, []string{"a", "c"}) || len(e.Subscribe) != 1 || e.Subscribe[0].Name != "d" {
		t.Errorf("changed: %+v", e)
	}
}

// request is an encoded SotW request for these names.
func request(names ...string) []byte {
	b, err := proto.Marshal(&discoveryv3.DiscoveryRequest{ResourceNames: names, TypeUrl: typedExtensionConfig, ResponseNonce: "1"})
	if err != nil {
		panic(err)
	}
	return b
}

// listed are the names of a SotW stream, with these versions accepted.
func listed(versions map[string]string) subscribed {
	s := &stream{}
	s.setNames(slices.Collect(maps.Keys(versions)), versions, &delivery.Requested{})
	return s.names
}
