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
	s := &stream{server: &Server{limits: Limits{NamesPerStream: 3}}, end: func() {}}
	if err := s.checkNames(make([]string, 4)); err == nil {
		t.Error("no error for too many names")
	}
	if err := s.checkNames([]string{string(make([]byte, maxNameLength+1))}); err == nil {
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

// Streams with the same names share one list, if it is among the last few.
func TestListings(t *testing.T) {
	var all listings
	long := nFilters(fewNames + 1)
	one := all.of(asked{names: long}, true)
	all.of(asked{names: long[1:]}, false)
	all.of(asked{names: long[:fewNames]}, true) // too short
	if all.find(request(long...)) != one || all.find(request(long[1:]...)) != nil || all.find(request(long[:fewNames]...)) != nil {
		t.Error("a list is not known again")
	}
	for i := range all.last {
		all.of(asked{names: append(nFilters(fewNames+1), fmt.Sprint("other-", i))}, true)
	}
	if all.find(request(long...)) != nil {
		t.Error("more than a few are kept")
	}
}

// Delta streams with the same first names share the list of them, but no later change.
func TestDeltaListings(t *testing.T) {
	server, long := &Server{limits: Limits{}.WithDefaults()}, nFilters(fewNames+1)
	take := func(s *stream, accepted map[string]string, first bool) (e delivery.Requested) {
		asked, err := server.asksFor(request(long...), true)
		if err != nil {
			t.Fatal(err)
		}
		asked.accepted = accepted
		s.addNames(asked, first, &e)
		return e
	}
	one, other := &stream{server: server}, &stream{server: server}
	if a, b := take(one, nil, true).Subscribe, take(other, nil, true).Subscribe; len(b) != len(long) || &a[0] != &b[0] {
		t.Errorf("not the same: %v and %v", a, b)
	}
	one.names.remove(long[0])
	one.names.add("another")
	if _, there := other.names.find(long[0]); !there || len(other.names.names) != len(long) {
		t.Error("what one stream drops, another has not any more")
	}
	back := take(&stream{server: server}, map[string]string{long[1]: "a version"}, true).Subscribe
	if len(back) != len(long) || back[0].Accepted != "" || back[1].Accepted != "a version" {
		t.Errorf("who runs something: %v", back)
	}
	if later := take(&stream{server: server}, nil, false).Subscribe; len(later) != len(long) {
		t.Errorf("not with the first request: %v", later)
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
