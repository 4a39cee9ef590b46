package report

import "github.com/wasm-xds/wasm-xds/internal/api"

// Counts returns how many filters and subscribers are in each state.
func Counts(v *View) api.Counts {
	counts := api.Counts{Filters: map[api.FilterState]int{}, Subscribers: map[api.SubscriberState]int{}}
	for _, name := range v.Machine.Names() {
		st, _ := v.Machine.Brief(name)
		one := api.FilterCounts{Name: name, State: api.FilterUnknown, WithError: true, Subscribers: map[api.SubscriberState]int{}}
		switch {
		case st.Wanted != nil:
			f := Brief(v, st)
			one.State, one.WithError = f.State, f.Error != nil
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
