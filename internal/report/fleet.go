package report

import (
	"fmt"
	"strconv"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// Node returns a stream of an Envoy; false: the stream has ended.
func Node(v *View, id delivery.StreamID) (api.Node, bool) {
	s, ok := v.Machine.Stream(id)
	if !ok {
		return api.Node{}, false
	}
	stream := v.Fleet.Stream(id)
	n := api.Node{
		ID: s.Node.ID, Cluster: s.Node.Cluster, Identity: s.Node.Identity, Address: s.Node.Address, Envoy: s.Node.Version,
		Stream: strconv.FormatUint(uint64(s.ID), 10), Mode: stream.Mode, State: api.NodeConnected, Since: stream.Since,
		Filters: nodeFilters(v, s), Runtimes: s.Node.Runtimes,
	}
	if !s.Unreached.IsZero() {
		n.Warnings = append(n.Warnings, &api.Error{
			Code: delivery.CodeFetchFailed, Message: fmt.Sprintf("no GET for a module has arrived from this Envoy since %s; modules are sent inline", s.Unreached.Format(time.RFC3339)),
			Hint: "check that the cluster named by --modules-cluster in this Envoy reaches the module server at --modules-address; the first GET ends this",
		})
	}
	return n, true
}

// NodeFilters returns the filters of a stream; nil: the stream has ended.
func NodeFilters(v *View, id delivery.StreamID) []api.NodeFilter {
	s, ok := v.Machine.Stream(id)
	if !ok {
		return nil
	}
	return nodeFilters(v, s)
}

func nodeFilters(v *View, s delivery.StreamStatus) []api.NodeFilter {
	var filters []api.NodeFilter
	for _, sub := range s.Subscribers {
		one := subscriber(v, sub.Name, sub)
		filters = append(filters, api.NodeFilter{
			Name: sub.Name, State: one.State, Revision: one.Revision, Variant: one.Variant, Error: one.Error, Warnings: one.Warnings, Since: one.Since,
		})
	}
	return filters
}

// Gone returns the Envoys that have gone lately.
func Gone(v *View, now time.Time) []api.Node {
	var all []api.Node
	for _, gone := range v.Fleet.Gone(now) {
		all = append(all, gone.APINode())
	}
	return all
}
