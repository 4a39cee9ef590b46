package api

// Condition is a filter's health, as a word for scripts, colours and alerts.
type Condition string

// The conditions. Later versions may add more.
const (
	// ConditionLive: every Envoy that asks for the filter runs the wanted content.
	ConditionLive Condition = "live"
	// ConditionProgressing: a revision is on its way, or in the sandbox.
	ConditionProgressing Condition = "progressing"
	// ConditionFailing: the newest content is not served, or an Envoy cannot run it.
	ConditionFailing Condition = "failing"
	// ConditionNoEnvoy: no Envoy asks for the filter, and none is known to have asked.
	ConditionNoEnvoy Condition = "no_envoy"
	// ConditionEnvoysGone: no Envoy asks for the filter any more.
	ConditionEnvoysGone Condition = "envoys_gone"
)

// Envoys counts a filter's Envoys. An Envoy counts once per connection, even if several places of
// its configuration ask for the filter.
type Envoys struct {
	Live  int `json:"live"`  // run the wanted content, in all places
	Total int `json:"total"` // ask for the filter
	Gone  int `json:"gone"`  // have asked for the filter and are still shown
}

// envoy tells Envoys apart: two Envoys with the same node id have two connections.
type envoy struct{ node, address string }

// CountEnvoys counts the Envoys of subscribers. An Envoy is live if runs is true of all of its
// subscribers.
func CountEnvoys(subscribers []Subscriber, runs func(*Subscriber) bool) Envoys {
	live, gone := map[envoy]bool{}, map[envoy]struct{}{}
	for i := range subscribers {
		s := &subscribers[i]
		e := envoy{s.Node, s.Address}
		if s.State == SubscriberGone {
			gone[e] = struct{}{}
			continue
		}
		before, known := live[e]
		live[e] = runs(s) && (before || !known)
	}
	out := Envoys{Total: len(live), Gone: len(gone)}
	for e, is := range live {
		if is {
			out.Live++
		}
		if _, left := gone[e]; left {
			out.Gone-- // a stream of the Envoy has ended
		}
	}
	return out
}
