package report

import "github.com/wasm-xds/wasm-xds/internal/api"

// Counts returns how many filters and subscribers are in each state.
func Counts(v *View) api.Counts {
	counts := api.Counts{Filters: map[api.FilterState]int{}, Subscribers: map[api.SubscriberState]int{}, Rollouts: map[api.RolloutState]int{}}
	counts.Envoys = v.Fleet.Connected()
	counts.Frozen, counts.FromState = v.Machine.Freeze() != nil, v.FromState
	for _, name := range v.Machine.Names() {
		st, _ := v.Machine.Brief(name)
		one := api.FilterCounts{Name: name, State: api.FilterUnknown, WithError: true, Subscribers: map[api.SubscriberState]int{}}
		switch {
		case st.Wanted != nil:
			f := Brief(v, st)
			one.State, one.WithError = f.State, f.Error != nil
			st.Rollout = v.Machine.Rollout(name)
			if r := rolloutStatus(st); r != nil {
				counts.Rollouts[r.State]++
				counts.Overdue += overdue(r)
			}
		case st.Count == 0: // otherwise Envoys ask for the name, and get a deny stand-in
			continue
		}
		counts.Filters[one.State]++
		if one.WithError {
			counts.WithError++
		}
		for state, n := range v.Machine.CountsOf(name) {
			one.Subscribers[api.SubscriberState(state.String())] = n
		}
		counts.PerFilter = append(counts.PerFilter, one)
	}
	counts.WithoutModules = v.Machine.Unreached()
	for state, n := range v.Machine.Counts() {
		counts.Subscribers[api.SubscriberState(state.String())] += n
	}
	return counts
}

// overdue is 1 if a rollout is past its deadline.
func overdue(r *api.RolloutStatus) int {
	if r.Overdue {
		return 1
	}
	return 0
}

// Snapshot returns the served revisions.
func Snapshot(v *View) api.Snapshot {
	out := api.Snapshot{Filters: map[string]string{}, LoadedFrom: "directory", Version: v.Snapshot.Version(), Since: v.Published}
	if v.FromState {
		out.LoadedFrom = "state"
	}
	for _, f := range v.Snapshot.All() {
		if st, ok := v.Machine.Brief(f.Name); ok && st.Serving != nil {
			out.Filters[f.Name] = st.Serving.ID
		}
	}
	return out
}
