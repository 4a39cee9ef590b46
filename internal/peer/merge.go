package peer

import (
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// part is a filter as a replica has it.
type part struct {
	replica string
	filter  api.Filter
}

// merge joins the forms of a filter. The first one counts for all but the Envoys. The streams of
// the other replicas have the name of the replica before a slash. missing are the replicas that did
// not answer.
func merge(all []part, missing []string) api.Filter {
	f := all[0].filter
	f.Subscribers, f.Incomplete = nil, missing
	here := map[envoy]bool{}
	for _, p := range all {
		for _, s := range p.filter.Subscribers {
			if s.State != api.SubscriberGone {
				here[envoy{s.Node, s.Cluster}] = true
			}
		}
	}
	f.Canaries = slices.Clone(f.Canaries)
	for i, p := range all {
		place := ""
		if i > 0 {
			place = p.replica + "/"
			for _, stream := range p.filter.Canaries {
				f.Canaries = append(f.Canaries, place+stream)
			}
		}
		for _, s := range p.filter.Subscribers {
			// An Envoy that has gone from a replica and come to another has not gone.
			if s.State == api.SubscriberGone && here[envoy{s.Node, s.Cluster}] {
				continue
			}
			s.Replica = p.replica
			if s.Stream != "" {
				s.Stream = place + s.Stream
			}
			f.Subscribers = append(f.Subscribers, s)
		}
	}
	f.Summarize()
	return f
}

type envoy struct{ node, cluster string }

// sum is merge for forms without subscribers.
func sum(all []part, missing []string) api.Filter {
	f := all[0].filter
	f.Subscribers, f.Incomplete = nil, missing
	for _, p := range all[1:] {
		f.Envoys.Live += p.filter.Envoys.Live
		f.Envoys.Total += p.filter.Envoys.Total
		f.Envoys.Gone += p.filter.Envoys.Gone
		if slices.Index(severity, p.filter.Condition) > slices.Index(severity, f.Condition) {
			f.Condition = p.filter.Condition
		}
	}
	return f
}

// severity has the conditions, the one that counts least first.
var severity = []api.Condition{
	api.ConditionNoEnvoy, api.ConditionEnvoysGone, api.ConditionLive, api.ConditionProgressing, api.ConditionFailing,
}
