package xds

import (
	"fmt"
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
		s.setNames(newListing(names), "", &e)
		return e
	}
	if e := take("c", "a", "*", "b", "a"); len(e.Subscribe) != 3 || e.Subscribe[0].Name != "a" {
		t.Errorf("first: %+v", e)
	}
	if e := take("c", "a", "b", "a"); len(e.Subscribe)+len(e.Unsubscribe) != 0 {
		t.Errorf("the same names in another order: %+v", e)
	}
	if !s.listing.is(request("c", "a", "b", "a")) || s.listing.is(request("a", "c", "b")) || s.listing.is(request("c", "a", "b")) {
		t.Error("the same list is not known again")
	}
	if (*listing)(nil).is(request("a")) || !(*listing)(nil).is(request()) {
		t.Error("no list is not an empty one")
	}
	if e := take("b", "d"); !slices.Equal(e.Unsubscribe, []string{"a", "c"}) || len(e.Subscribe) != 1 || e.Subscribe[0].Name != "d" {
		t.Errorf("changed: %+v", e)
	}
}

// Streams that list the same share one list, of the last few that there were.
func TestListings(t *testing.T) {
	var all listings
	long := nFilters(fewNames + 1)
	one := newListing(long)
	all.keep(one)
	all.keep(one)
	all.keep(newListing(long[:fewNames])) // too short
	if all.find(request(long...)) != one || all.find(request(long[1:]...)) != nil || all.find(request(long[:fewNames]...)) != nil {
		t.Error("a list is not known again")
	}
	for i := range all.last {
		all.keep(newListing(append(nFilters(fewNames+1), fmt.Sprint("other-", i))))
	}
	if all.find(request(long...)) != nil {
		t.Error("more than a few are kept")
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
	s.setNames(newListing(slices.Collect(maps.Keys(versions))), "", &delivery.Requested{})
	for name, version := range versions {
		at, _ := s.names.find(name)
		s.names.versions[at] = hold(version)
	}
	return s.names
}
