package control

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/events"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// ask runs a function on the owner's goroutine; false: the control has ended.
func (c *Control) ask(run func()) bool { return c.askIn(func(context.Context) { run() }) }

// askIn is ask with the owner's context, in which run may start slow work.
func (c *Control) askIn(run func(context.Context)) bool {
	q := query{run: run, done: make(chan struct{})}
	select {
	case c.inbox <- q:
	case <-c.done:
		return false
	}
	select {
	case <-q.done:
		return true
	case <-c.done:
		return false
	}
}

// askEach calls look for each key of list, and lets the owner's goroutine work in between: with
// thousands of Envoys a listing takes seconds. look must skip keys that have gone.
func askEach[K any](c *Control, list func() []K, look func(K)) {
	var keys []K
	c.ask(func() { keys = list() })
	for few := range slices.Chunk(keys, 16) {
		c.ask(func() {
			for _, key := range few {
				look(key)
			}
		})
	}
}

// Filters returns every filter, sorted by name.
func (c *Control) Filters() []api.Filter {
	var all []api.Filter
	askEach(c, func() []string { return c.machine.Names() }, func(name string) {
		if f, ok := c.filter(name); ok {
			all = append(all, f)
		}
	})
	return all
}

// Counts returns how many filters and subscribers are in each state.
func (c *Control) Counts() api.Counts {
	counts := api.Counts{Filters: map[api.FilterState]int{}, Subscribers: map[api.SubscriberState]int{}}
	c.ask(func() {
		for _, name := range c.machine.Names() {
			st, _ := c.machine.Brief(name)
			one := api.FilterCounts{Name: name, State: api.FilterUnknown, WithError: true, Subscribers: map[api.SubscriberState]int{}}
			switch {
			case st.Wanted != nil:
				f := api.Filter{Name: name, State: api.FilterActive}
				c.describe(&f, st)
				one.State, one.WithError = f.State, f.Error != nil
			case st.Count == 0: // otherwise Envoys ask for the name, and get a deny stand-in
				continue
			}
			counts.Filters[one.State]++
			if one.WithError {
				counts.WithError++
			}
			for state, n := range c.machine.CountsOf(name) {
				one.Subscribers[api.SubscriberState(state.String())] = n
			}
			counts.PerFilter = append(counts.PerFilter, one)
		}
		counts.WithoutModules = c.machine.Unreached()
		for state, n := range c.machine.Counts() {
			counts.Subscribers[api.SubscriberState(state.String())] += n
		}
	})
	return counts
}

// Filter returns the filter of the name.
func (c *Control) Filter(name string) (api.Filter, bool) {
	var f api.Filter
	var found bool
	c.ask(func() { f, found = c.filter(name) })
	return f, found
}

// Nodes returns every stream, and after them the gone Envoys.
func (c *Control) Nodes() []api.Node {
	var all []api.Node
	askEach(c, func() []delivery.StreamID { return c.machine.Streams() }, func(id delivery.StreamID) {
		if s, ok := c.machine.Stream(id); ok {
			all = append(all, c.node(s))
		}
	})
	c.ask(func() {
		for _, gone := range c.envoys.recent(time.Now()) {
			all = append(all, gone.goneNode())
		}
	})
	return all
}

// Snapshot returns the served revisions.
func (c *Control) Snapshot() api.Snapshot {
	out := api.Snapshot{Filters: map[string]string{}, LoadedFrom: "directory"}
	c.ask(func() {
		out.Version, out.Since = c.snapshot.Version(), c.published
		if c.fromState {
			out.LoadedFrom = "state"
		}
		for _, f := range c.snapshot.All() {
			if st, ok := c.machine.Brief(f.Name); ok && st.Serving != nil {
				out.Filters[f.Name] = st.Serving.ID
			}
		}
	})
	return out
}

// Ready says whether a snapshot can be served.
func (c *Control) Ready() bool { return c.ready.Load() }

// Subscribe delivers the events from now on, and the events that were missed since lastEventID.
func (c *Control) Subscribe(lastEventID string) events.Subscription {
	return c.hub.Subscribe(lastEventID)
}

func (c *Control) filter(name string) (api.Filter, bool) {
	st, ok := c.machine.Status(name)
	if !ok {
		return api.Filter{}, false
	}
	f := api.Filter{Name: name, State: api.FilterActive}
	switch {
	case st.Wanted == nil && len(st.Subscribers) == 0:
		return api.Filter{}, false
	case st.Wanted == nil:
		f.State = api.FilterUnknown
		f.Error = c.unknownName(name)
	default:
		c.describe(&f, st)
		f.Rollout, f.RolloutStatus = rolloutLine(st), rolloutStatus(st)
	}
	for _, s := range st.Subscribers {
		f.Subscribers = append(f.Subscribers, c.subscriber(name, s))
		if s.Canary {
			f.Canaries = append(f.Canaries, strconv.FormatUint(uint64(s.Stream), 10))
		}
	}
	c.summarize(&f)
	return f, true
}

// reconnectWait is the longest back-off of Envoy before the next connection.
const reconnectWait = 30 * time.Second

// summarize sets the filter's condition. Right after a start, the earlier Envoys have not gone:
// they are about to connect again.
func (c *Control) summarize(f *api.Filter) {
	f.Summarize()
	if f.Condition == api.ConditionEnvoysGone && f.Envoys.Gone == 0 && time.Since(c.began) < reconnectWait {
		f.Condition = api.ConditionProgressing
		f.Rollout = "its Envoys have not come back since the server started"
	}
}

func (c *Control) describe(f *api.Filter, st delivery.FilterStatus) {
	w := st.Wanted
	f.Type, f.Disabled, f.SpecFile = string(w.Type), w.Disabled, w.SpecFile
	f.Delivery, f.OnRemove = string(w.Delivery), string(w.OnRemove)
	if st.Stable != nil {
		f.Stable = st.Stable.ID
	}
	if st.Candidate != nil {
		f.Candidate = st.Candidate.ID
	}
	if r := st.Serving; r != nil {
		f.Revision = r.ID
		f.Module = api.FromModule(c.newestModule(r))
		if leads := c.tags.Leads(w.Name, f.Module.Reference); leads != f.Module.Digest {
			f.Module.TagDigest = leads
		}
	}
	if st.Problem != nil && st.Problem.Revision != "" {
		f.Rejected = append(f.Rejected, st.Problem.Revision)
	}
	f.Error = apiError(c.plan.Problems[w.Name])
	if s := c.plan.Checking[w.Name]; f.Error == nil && s != nil {
		f.Error = apiError(checkingError(s))
	}
	if f.Error == nil {
		f.Error = apiError(c.waitingError(w.Name))
	}
	for _, warning := range c.plan.Warnings[w.Name] {
		f.Warnings = append(f.Warnings, apiError(warning))
	}
	if f.Error == nil && st.Problem != nil {
		f.Error = apiProblem(st.Problem)
		f.Error.File = w.SpecFile
	}
	switch {
	case w.Removed:
		f.State = api.FilterRemoved
		f.IdleSince, f.ForgetAt = st.IdleSince, st.ForgetAt
		switch {
		case f.Error != nil:
		case st.Asking == 0:
			f.Warnings = append(f.Warnings, unasked(w))
		default:
			f.Error = removedError(w)
		}
	case w.Preparing:
		f.State = api.FilterPreparing
	case st.Serving == nil:
		f.State = api.FilterRejected
	}
	if pin, ok := c.plan.Pins[w.Name]; ok && f.Error == nil {
		f.Error = &api.Error{
			Code: api.CodeRolledBack, Message: fmt.Sprintf("rolled back: revision %s of the spec is not served", pin.Instead),
			Hint: "an edit of the spec ends the rollback", File: w.SpecFile,
		}
	}
}

// unasked describes a removed filter without a subscriber. This is not an error.
func unasked(w *snapshot.Filter) *api.Error {
	return &api.Error{
		Code: delivery.CodeKept, Message: "its spec is gone, and no Envoy asks for it", File: w.SpecFile,
		Hint: fmt.Sprintf("`wasm-xds forget %s` drops it now", w.Name),
	}
}

func removedError(w *snapshot.Filter) *api.Error {
	e := &api.Error{Code: delivery.CodeKept, File: w.SpecFile}
	switch w.OnRemove {
	case spec.Passthrough:
		e.Message, e.Hint = "its spec is gone; everything passes", "put the spec back to serve it again"
	case spec.Deny:
		e.Message, e.Hint = "its spec is gone; everything is denied", "put the spec back to serve it again"
	default:
		e.Message, e.Hint = "its spec is gone; still served", "`disabled: true` turns it off"
	}
	return e
}

func (c *Control) unknownName(name string) *api.Error {
	e := &api.Error{Code: delivery.CodeUnknownFilter, Message: fmt.Sprintf("no spec is named %q: requests are denied", name)}
	if c.set == nil {
		e.Message = fmt.Sprintf("the specs have not been read, so that nothing is known of %q: an Envoy that runs it keeps it, others deny", name)
		e.Hint = "`wasm-xds status` says why the specs cannot be read"
		return e
	}
	if near := spec.Nearest(name, c.snapshot.Names()); near != "" {
		e.Hint = fmt.Sprintf("did you mean %q? Correct the name in the Envoy's configuration or in the spec", near)
	} else {
		e.Hint = "add a spec with this name, or take the filter out of the Envoy's configuration"
	}
	return e
}

func (c *Control) subscriber(name string, s delivery.SubscriberStatus) api.Subscriber {
	out := api.Subscriber{
		Node: s.Node.ID, Cluster: s.Node.Cluster, Address: s.Node.Address,
		Stream: strconv.FormatUint(uint64(s.Stream), 10), Envoy: s.Node.Version,
		State: api.SubscriberState(s.State.String()), Revision: s.Revision, Variant: s.Variant.String(),
		Error: apiProblem(s.Problem), Warnings: lossWarnings(s), Since: s.Since,
	}
	if s.Serving == delivery.ServingDeny || s.Serving == delivery.ServingPassthrough {
		out.Variant = s.Serving.String()
	}
	if s.Problem != nil && s.Problem.Code == delivery.CodeUnknownFilter {
		out.Error = c.unknownName(name)
	}
	return out
}

// lossWarnings are the losses that the spec accepts. The subscriber's error tells of other losses.
func lossWarnings(s delivery.SubscriberStatus) []*api.Error {
	warnings := []*api.Error{}
	if s.Problem != nil && s.Problem.Code == delivery.CodeEnvoyTooOld && s.Problem.Revision == s.Revision {
		return warnings
	}
	for _, l := range s.Losses {
		warnings = append(warnings, &api.Error{
			Code: api.CodeSettingLost, Message: fmt.Sprintf("Envoy %s ignores a setting: %s", s.Node.Version, l),
			Hint: "the spec accepts that with `acceptLoss`; upgrade that Envoy to have the setting work",
		})
	}
	return warnings
}

func (c *Control) node(s delivery.StreamStatus) api.Node {
	info := c.opened[s.ID]
	n := api.Node{
		ID: s.Node.ID, Cluster: s.Node.Cluster, Address: s.Node.Address, Envoy: s.Node.Version,
		Stream: strconv.FormatUint(uint64(s.ID), 10), Mode: info.mode, State: api.NodeConnected, Since: info.since,
		Filters: c.nodeFilters(s),
	}
	if !s.Unreached.IsZero() {
		n.Warnings = append(n.Warnings, &api.Error{
			Code: delivery.CodeFetchFailed, Message: fmt.Sprintf("no GET for a module has arrived from this Envoy since %s; modules are sent inline", s.Unreached.Format(time.RFC3339)),
			Hint: "check that the cluster named by --modules-cluster in this Envoy reaches the module server at --modules-address; the first GET ends this",
		})
	}
	return n
}

func (c *Control) nodeFilters(s delivery.StreamStatus) []api.NodeFilter {
	var filters []api.NodeFilter
	for _, sub := range s.Subscribers {
		one := c.subscriber(sub.Name, sub)
		filters = append(filters, api.NodeFilter{
			Name: sub.Name, State: one.State, Revision: one.Revision, Variant: one.Variant, Error: one.Error, Warnings: one.Warnings,
		})
	}
	return filters
}

func mode(ads, isDelta bool) string {
	name := "ecds"
	if ads {
		name = "ads"
	}
	if isDelta {
		return name + "-delta"
	}
	return name + "-sotw"
}

func apiError(e *spec.Error) *api.Error {
	if e == nil {
		return nil
	}
	return &api.Error{
		Code: e.Code, Message: e.Message, Hint: e.Hint, File: e.Pos.File, Line: e.Pos.Line, Column: e.Pos.Column,
	}
}

func apiProblem(p *delivery.Problem) *api.Error {
	if p == nil {
		return nil
	}
	return &api.Error{Code: p.Code, Message: p.Message, Hint: p.Hint}
}
