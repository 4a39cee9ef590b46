package subscription

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/protobuf/proto"
)

func TestSotWNamesInAnyOrder(t *testing.T) {
	s := &SotW{}
	if subscribe, _ := s.Request(NewList([]string{"c", "a", "*", "b", "a"}), ""); len(subscribe) != 3 || subscribe[0].Name != "a" {
		t.Errorf("first: %+v", subscribe)
	}
	if subscribe, unsubscribe := s.Request(NewList([]string{"c", "a", "b", "a"}), ""); len(subscribe)+len(unsubscribe) != 0 {
		t.Errorf("the same names in another order: %+v, %v", subscribe, unsubscribe)
	}
	if !s.list.Is(request("c", "a", "b", "a")) || s.list.Is(request("a", "c", "b")) || s.list.Is(request("c", "a", "b")) {
		t.Error("the same list is not known again")
	}
	if (*List)(nil).Is(request("a")) || !(*List)(nil).Is(request()) {
		t.Error("no list is not an empty one")
	}
	subscribe, unsubscribe := s.Request(NewList([]string{"b", "d"}), "")
	if !slices.Equal(unsubscribe, []string{"a", "c"}) || len(subscribe) != 1 || subscribe[0].Name != "d" {
		t.Errorf("changed: %+v, %v", subscribe, unsubscribe)
	}
}

// Streams with the same names share one list, if it is among the last few.
func TestLists(t *testing.T) {
	var all Lists
	long := nFilters(fewNames + 1)
	one := all.First(long)
	NewList(long[1:])
	all.First(long[:fewNames]) // too short
	if all.Find(request(long...)) != one || all.Find(request(long[1:]...)) != nil || all.Find(request(long[:fewNames]...)) != nil {
		t.Error("a list is not known again")
	}
	for i := range all.recent.last {
		all.First(append(nFilters(fewNames+1), fmt.Sprint("other-", i)))
	}
	if all.Find(request(long...)) != nil {
		t.Error("more than a few are kept")
	}
}

// Delta streams with the same first names share the list of them, but no later change.
func TestDeltaLists(t *testing.T) {
	var all Lists
	long := nFilters(fewNames + 1)
	list := all.First(long)
	one, other := &Delta{}, &Delta{}
	if a, b := one.First(list, nil), other.First(list, nil); len(b) != len(long) || &a[0] != &b[0] {
		t.Errorf("not the same: %v and %v", a, b)
	}
	one.Unsubscribe(long[:1])
	one.Subscribe([]string{"another"})
	if _, there := other.names.find(long[0]); !there || other.Len() != len(long) {
		t.Error("what one stream drops, another has not any more")
	}
	back := (&Delta{}).First(list, map[string]string{long[1]: "a version"})
	if len(back) != len(long) || back[0].Accepted != "" || back[1].Accepted != "a version" {
		t.Errorf("who runs something: %v", back)
	}
	if later := (&Delta{}).Subscribe(slices.Clone(long)); len(later) != len(long) {
		t.Errorf("not with the first request: %v", later)
	}
}

// request is an encoded SotW request for these names.
func request(names ...string) []byte {
	b, err := proto.Marshal(&discoveryv3.DiscoveryRequest{ResourceNames: names, TypeUrl: resourcev3.ExtensionConfigType, ResponseNonce: "1"})
	if err != nil {
		panic(err)
	}
	return b
}

func nFilters(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprint("filter-", i))
	}
	return names
}

// listed are the names of a SotW stream, with these versions accepted.
func listed(versions map[string]string) *SotW {
	s := &SotW{}
	s.Request(NewList(slices.Collect(maps.Keys(versions))), "")
	for name, version := range versions {
		at, _ := s.list.names.find(name)
		s.accepted[at] = packedVersion(version)
	}
	return s
}
