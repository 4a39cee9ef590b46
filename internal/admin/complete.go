package admin

import (
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// completeFilter replaces null lists.
func completeFilter(f api.Filter) api.Filter {
	if f.Condition == "" {
		f.Summarize()
	}
	f.Warnings = notNull(f.Warnings)
	if f.RolloutStatus != nil {
		f.RolloutStatus.WaitsFor = notNull(f.RolloutStatus.WaitsFor)
	}
	f.Subscribers = slices.Clone(notNull(f.Subscribers))
	for i := range f.Subscribers {
		f.Subscribers[i].Warnings = notNull(f.Subscribers[i].Warnings)
	}
	f.Canaries, f.Rejected = notNull(f.Canaries), notNull(f.Rejected)
	return f
}

// completeNode replaces null lists.
func completeNode(n api.Node) api.Node {
	n.Filters, n.Warnings = slices.Clone(notNull(n.Filters)), notNull(n.Warnings)
	for i := range n.Filters {
		n.Filters[i].Warnings = notNull(n.Filters[i].Warnings)
	}
	return n
}

func notNull[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
