package report

import (
	"fmt"
	"strconv"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Filter returns the filter of a name, with its subscribers; false: there is none.
func Filter(v *View, name string, now time.Time) (api.Filter, bool) {
	st, ok := v.Machine.Status(name)
	if !ok {
		return api.Filter{}, false
	}
	f := api.Filter{Name: name, State: api.FilterActive}
	switch {
	case st.Wanted == nil && len(st.Subscribers) == 0:
		return api.Filter{}, false
	case st.Wanted == nil:
		f.State = api.FilterUnknown
		f.Error = unknownName(v, name)
	default:
		describe(v, &f, st)
		addService(v, &f, st)
		f.Rollout, f.RolloutStatus = rolloutLine(st), shownLook(v, st.Name, rolloutStatus(st))
	}
	for _, s := range st.Subscribers {
		f.Subscribers = append(f.Subscribers, subscriber(v, name, s))
		if s.Canary {
			f.Canaries = append(f.Canaries, strconv.FormatUint(uint64(s.Stream), 10))
		}
	}
	summarize(v, &f, now)
	return f, true
}

// reconnectWait is the longest back-off of Envoy before the next connection.
const reconnectWait = 30 * time.Second

// summarize sets the filter's condition. Right after a start, the earlier Envoys have not gone:
// they are about to connect again.
func summarize(v *View, f *api.Filter, now time.Time) {
	f.Summarize()
	if f.Condition == api.ConditionEnvoysGone && f.Envoys.Gone == 0 && now.Sub(v.Began) < reconnectWait {
		f.Condition = api.ConditionProgressing
		f.Rollout = "its Envoys have not come back since the server started"
	}
}

// describe sets all fields of a filter except its subscribers.
func describe(v *View, f *api.Filter, st delivery.FilterStatus) {
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
		f.Module = apiModule(v, r)
		if leads := v.Tags.Leads(w.Name, f.Module.Reference); leads != f.Module.Digest {
			f.Module.TagDigest = leads
		}
	}
	if st.Problem != nil && st.Problem.Revision != "" {
		f.Rejected = append(f.Rejected, st.Problem.Revision)
	}
	f.Error = api.FromSpec(v.Plan.Problems[w.Name])
	if s := v.Plan.Checking[w.Name]; f.Error == nil && s != nil {
		f.Error = api.FromSpec(CheckingError(s))
	}
	if f.Error == nil {
		f.Error = api.FromSpec(waitingError(v.Specs.Get(w.Name)))
	}
	for _, warning := range v.Plan.Warnings[w.Name] {
		f.Warnings = append(f.Warnings, api.FromSpec(warning))
	}
	if f.Error == nil && st.Problem != nil {
		f.Error = problem(st.Problem)
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
	if pin, ok := v.Plan.Pins[w.Name]; ok && f.Error == nil && !w.Removed {
		f.Error, f.Pinned = rolledBack(w, pin), pin.Pinned
	}
}

// rolledBack says a rollback holds.
func rolledBack(w *snapshot.Filter, pin desired.Pin) *api.Error {
	e := &api.Error{
		Code: api.CodeRolledBack, Message: fmt.Sprintf("rolled back: revision %s of the spec is not served", pin.Instead),
		Hint: "an edit of the spec ends the rollback", File: w.SpecFile,
	}
	if !pin.Pinned {
		return e
	}
	by := ""
	if pin.By != "" {
		by = " by " + pin.By
	}
	e.Message = fmt.Sprintf("pinned%s to revision %s: revision %s of the spec is not served", by, pin.Revision.ID, pin.Instead)
	if pin.Revision.ID == pin.Instead {
		e.Message = fmt.Sprintf("pinned%s to revision %s: an edit of the spec is not served", by, pin.Revision.ID)
	}
	e.Hint = fmt.Sprintf("`wasm-xds unpin %s` ends the rollback, and an edit does not", w.Name)
	return e
}

// Freeze is the freeze of the server.
func Freeze(v *View) api.Freeze {
	h := v.Machine.Freeze()
	if h == nil {
		return api.Freeze{}
	}
	return api.Freeze{Frozen: true, By: h.By, At: h.At, Reason: h.Reason}
}

// Brief describes a filter with a spec, removed or not, without its subscribers.
func Brief(v *View, st delivery.FilterStatus) api.Filter {
	f := api.Filter{Name: st.Name, State: api.FilterActive}
	describe(v, &f, st)
	return f
}

// Event tells subscribers how a filter is now.
func Event(v *View, name string, now time.Time) api.Event {
	e := api.Event{Type: api.EventFilter, Name: name, Time: now}
	switch st, known := v.Machine.Brief(name); {
	case !known:
		e.State = "forgotten"
	case st.Wanted == nil:
		e.State = string(api.FilterUnknown)
	default:
		f := Brief(v, st)
		e.State, e.Revision, e.Candidate = string(f.State), f.Revision, f.Candidate
		if f.Error != nil {
			e.Error = f.Error.Code
		}
	}
	return e
}

// shownLook adds the comparisons of the newest look to the progress of a rollout. They do not
// survive a restart.
func shownLook(v *View, filter string, status *api.RolloutStatus) *api.RolloutStatus {
	if status == nil || status.Health == nil {
		return status
	}
	if look, ok := v.Looks.Of(filter, status.Revision); ok && look.Outcome == status.Health.Outcome {
		status.Health = &look
	}
	return status
}
