package admin

import (
	"context"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// Fleet joins this replica's answers with those of the others. Any goroutine may call the methods.
// They take two seconds at most: a replica that does not answer is missing.
type Fleet interface {
	// Filter returns a filter with the Envoys of all replicas; false: no replica has it. own is
	// this replica's form, if it is known here.
	Filter(ctx context.Context, name string, own api.Filter, known bool) (api.Filter, bool)
	// Filters returns all filters, sorted by name. own are this replica's. Without subscribers,
	// only the numbers of Envoys are those of all replicas.
	Filters(ctx context.Context, own []api.Filter, subscribers bool) []api.Filter
	// Replicas describes all replicas, sorted by name. own is this one.
	Replicas(ctx context.Context, own api.Replica) []api.Replica
}

// alone is the fleet of a single server.
type alone struct{}

func (alone) Filter(_ context.Context, _ string, own api.Filter, known bool) (api.Filter, bool) {
	return own, known
}

func (alone) Filters(_ context.Context, own []api.Filter, _ bool) []api.Filter { return own }

func (alone) Replicas(_ context.Context, own api.Replica) []api.Replica { return []api.Replica{own} }

// filtersOf answers with the filters of the fleet.
func filtersOf(s State, fleet Fleet) func(context.Context, query) any {
	return func(ctx context.Context, q query) any {
		own := s.Filters()
		for i := range own {
			own[i] = completeFilter(own[i])
		}
		// A condition on Envoys is about subscribers.
		needed := !q.withoutSubscribers() || q["node"] != nil || q["cluster"] != nil
		filters := []api.Filter{}
		for _, f := range fleet.Filters(ctx, own, needed) {
			if f = completeFilter(f); q.takesFilter(&f) {
				if q.withoutSubscribers() {
					f.Subscribers = []api.Subscriber{}
				}
				filters = append(filters, f)
			}
		}
		return filters
	}
}

// replicasOf answers with the replicas of the fleet.
func replicasOf(s State, fleet Fleet) func(context.Context, query) any {
	return func(ctx context.Context, _ query) any {
		own := s.Replica()
		own.Self, own.Reachable = true, true
		all := notNull(fleet.Replicas(ctx, own))
		for i := range all {
			all[i].Waits = notNull(all[i].Waits)
		}
		return all
	}
}
