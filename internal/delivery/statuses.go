package delivery

import (
	"cmp"
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// statuses reads the status of filters, subscribers and streams. It changes nothing.
type statuses struct {
	*step
	cfg      *Config
	chooser  *chooser
	progress *progress
	removed  *removed
	fetches  *fetches
}

// filter is the whole status of a filter.
func (e *statuses) filter(f *filter) FilterStatus {
	st := e.brief(f)
	st.Rollout = e.progress.of(f)
	st.Subscribers = make([]SubscriberStatus, 0, st.Count)
	for _, u := range f.subs {
		st.Subscribers = append(st.Subscribers, e.subscriber(u))
	}
	slices.SortFunc(st.Subscribers, func(a, b SubscriberStatus) int {
		return cmp.Or(cmp.Compare(a.Node.ID, b.Node.ID), cmp.Compare(a.Stream, b.Stream))
	})
	st.Subscribers = append(st.Subscribers, f.gone...)
	return st
}

// brief is the status without the rollout and the subscribers.
func (e *statuses) brief(f *filter) FilterStatus {
	st := FilterStatus{
		Name: f.name, Wanted: f.wanted, Stable: f.stable, Serving: f.stable, Older: slices.Clone(f.older),
		Count: len(f.subs) + len(f.gone), Asking: len(f.subs), IdleSince: f.idle.since,
	}
	if !f.idle.since.IsZero() {
		st.ForgetAt, _ = e.removed.forgetAt(f)
		if f.idle.since.Equal(e.started) {
			st.BackBy = e.started.Add(e.cfg.CanaryPause)
		}
	}
	if c := f.candidate(); c != nil {
		st.Problem = f.stoppedBy(c)
		if st.Problem == nil {
			st.Candidate = c
			if st.Serving == nil || len(f.subs) == 0 {
				st.Serving = c
			}
		}
	}
	return st
}

// spread is how far the wanted revision has come.
func (e *statuses) spread(f *filter) Spread {
	w := f.wanted
	if w == nil || w.Removed || w.Disabled || w.Revision == nil || !sameRevision(w.Revision, f.stable) {
		return Spread{}
	}
	s := Spread{Revision: f.stable, Since: f.since, Live: int(f.states[Live])}
	s.Without = len(f.subs) - s.Live
	if s.Live == 0 || f.states[Pending]+f.states[Fetching] > 0 {
		return s
	}
	// A subscriber that waits for room on its stream still has the state of before.
	s.Done = !slices.ContainsFunc(f.subs, func(u *sub) bool { return u.state == Live && !u.runs(f.stable) })
	return s
}

// noCounts has no subscriber in any state.
func noCounts() map[State]int {
	all := make(map[State]int, numStates)
	for s := range numStates {
		all[s] = 0
	}
	return all
}

// counts adds the numbers of a filter's subscribers by state, with the ended ones that a status
// still shows.
func counts(f *filter, all map[State]int) map[State]int {
	for s, n := range f.states {
		all[State(s)] += int(n)
	}
	all[Gone] += len(f.gone)
	return all
}

// stream is the status of an open stream.
func (e *statuses) stream(s *stream) StreamStatus {
	st := StreamStatus{ID: s.id, Node: s.node, ADS: s.ads, Delta: s.delta, Subscribers: make([]SubscriberStatus, 0, len(s.subs))}
	for _, u := range s.subs {
		st.Subscribers = append(st.Subscribers, e.subscriber(u))
	}
	st.Unreached = e.fetches.unreachedSince(s)
	return st
}

// subscriber is the status of a subscriber.
func (e *statuses) subscriber(u *sub) SubscriberStatus {
	st := SubscriberStatus{
		Name: u.f.name, Node: u.s.node, Stream: u.s.id, ADS: u.s.ads, Delta: u.s.delta, State: u.state, Serving: u.serving,
		Problem: u.problem(), Since: e.at(u.since), Revision: u.runningID(), Variant: u.accepted.variant,
	}
	if u.queued && u.state == Live {
		// The subscriber waits for room on the stream and was not looked at since the last change.
		if c := e.chooser.choose(u); c.revision != nil && !u.runs(c.revision) {
			st.State = Pending
		}
	}
	if u.running != nil && !u.running.BuiltIn {
		st.Losses = u.running.Losses(u.s.node.Version)
	}
	if c := u.f.candidate(); c != nil {
		st.Canary = u.tries(c)
	}
	return st
}

// gone is the status of a subscriber that ends now.
func (e *statuses) gone(u *sub) SubscriberStatus {
	st := e.subscriber(u)
	st.State, st.Since = Gone, e.now
	return st
}

// history has every revision of a filter that may still be served, and the last few that Envoys
// refused, the revision that became wanted last first.
func (e *statuses) history(f *filter) []RevisionStatus {
	now := e.brief(f)
	var all []RevisionStatus
	for _, r := range f.kept() {
		if !slices.ContainsFunc(all, func(s RevisionStatus) bool { return s.Revision.ID == r.ID }) {
			all = append(all, e.revision(f, r, now))
		}
	}
	slices.SortStableFunc(all, func(a, b RevisionStatus) int { return b.Wish.At.Compare(a.Wish.At) })
	for i := range all[:max(len(all)-1, 0)] {
		all[i].Changes = snapshot.Changes(all[i+1].Revision, all[i].Revision)
	}
	return all
}

// revision is the status of a revision. now is the brief status of the filter.
func (e *statuses) revision(f *filter, r *snapshot.Revision, now FilterStatus) RevisionStatus {
	s := RevisionStatus{Revision: r, Wish: f.wish(r.ID), Served: f.wish(r.ID).Served}
	if sameRevision(r, f.stable) {
		s.Served += f.servedSince(e.now)
	}
	loads := false
	for _, envoy := range f.verdicts.Versions() {
		v, judged := f.verdicts.Of(r, envoy)
		loads = loads || judged && v.Loads
		if judged && !v.Loads {
			s.Problem = rejectedProblem(r, envoy, v.Message)
		}
	}
	stop := f.rollout.Stops.Of(r.ID)
	barred := stop != nil && stop.IsForAll()
	if s.Problem == nil && barred {
		s.Problem = f.describe(stop, r)
	}
	if s.Problem == nil && slices.Contains(f.refused, r) {
		s.Problem = &Problem{Code: CodeRejected, Revision: r.ID, Message: "an Envoy refused it", Hint: "edit the spec, or serve another revision"}
	}
	stopped := sameRevision(r, f.candidate()) && now.Problem != nil
	if s.Problem == nil && stopped {
		s.Problem = now.Problem
	}
	switch {
	case sameRevision(r, now.Serving):
		s.Standing = Active
	case sameRevision(r, now.Candidate):
		s.Standing = Candidate
	case s.Problem != nil && !loads, stopped, barred:
		s.Standing = Refused
	case sameRevision(r, now.Stable):
		s.Standing = Stable
	}
	return s
}
