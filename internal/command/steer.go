package command

import (
	"fmt"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// The codes of the errors of commands on rollouts.
const (
	CodeNothingToSteer  = "nothing_to_steer"      // no rollout is under way
	CodePausedAlready   = "paused_already"        // the rollout is paused
	CodeNotPaused       = "not_paused"            // the rollout is not paused
	CodeNothingToGoBack = "nothing_to_go_back_to" // no stable revision
	CodeFrozen          = "frozen"                // the server is frozen
	CodeNotFrozen       = "not_frozen"            // the server is not frozen
	CodeNothingToUnpin  = "nothing_to_unpin"      // no rollback holds
)

// Pause returns the error for a filter without a rollout to pause; nil: it has one.
func Pause(st delivery.FilterStatus) *api.Error {
	if e := underWay(st); e != nil {
		return e
	}
	if h := st.Rollout.Paused; h != nil {
		return &api.Error{
			Code: CodePausedAlready, Message: fmt.Sprintf("the rollout of revision %s is paused since %s%s", st.Rollout.Revision, h.At.Local().Format(time.DateTime), by(h.By)),
			Hint: fmt.Sprintf("`wasm-xds rollout resume %s` goes on with it", st.Name),
		}
	}
	return nil
}

// Resume returns the error for a filter without a paused rollout; nil: it has one.
func Resume(st delivery.FilterStatus) *api.Error {
	if e := underWay(st); e != nil {
		return e
	}
	switch r := st.Rollout; {
	case r.Paused != nil:
		return nil
	case r.WaitsForUser:
		return &api.Error{
			Code: CodeNotPaused, Message: fmt.Sprintf("the spec pauses the rollout of revision %s after each wave", r.Revision),
			Hint: fmt.Sprintf("`wasm-xds rollout promote %s` goes on with the next wave", st.Name),
		}
	default:
		return &api.Error{
			Code: CodeNotPaused, Message: fmt.Sprintf("the rollout of revision %s is not paused", r.Revision),
			Hint: fmt.Sprintf("`wasm-xds status %s` shows what it waits for", st.Name),
		}
	}
}

// Abort returns the error for a filter without a rollout to abort; nil: it has one.
func Abort(st delivery.FilterStatus) *api.Error {
	r := st.Rollout
	if r != nil && !r.WatchUntil.IsZero() {
		return nil // the watch after the promotion
	}
	if e := underWay(st); e != nil {
		return e
	}
	if st.Stable == nil {
		return &api.Error{
			Code: CodeNothingToGoBack, Message: fmt.Sprintf("filter %q has no stable revision to go back to", st.Name),
			Hint: "correct the spec; `disabled: true` lets everything pass meanwhile",
		}
	}
	return nil
}

// Freeze returns the error for a change of the freeze that changes nothing; nil: it changes
// something.
func Freeze(now api.Freeze, frozen bool) *api.Error {
	switch {
	case frozen && now.Frozen:
		return &api.Error{
			Code: CodeFrozen, Message: "the server is frozen already" + frozenBy(now), Hint: "`wasm-xds freeze off` ends the freeze",
		}
	case !frozen && !now.Frozen:
		return &api.Error{Code: CodeNotFrozen, Message: "the server is not frozen", Hint: "`wasm-xds freeze on --reason TEXT` freezes it"}
	default:
		return nil
	}
}

// frozenBy is ", since 2026-01-02 15:04:05 by ann: the reason".
func frozenBy(f api.Freeze) string {
	text := ", since " + f.At.Local().Format(time.DateTime) + by(f.By)
	if f.Reason != "" {
		text += ": " + f.Reason
	}
	return text
}

// underWay returns the error for a filter without a rollout under way.
func underWay(st delivery.FilterStatus) *api.Error {
	r := st.Rollout
	switch {
	case r == nil || st.Candidate == nil && r.Stopped == nil:
		return noRollout(CodeNothingToSteer, st)
	case r.Stopped != nil:
		return stopped(st)
	default:
		return nil
	}
}

// noRollout is the error for a filter without a rollout under way.
func noRollout(code string, st delivery.FilterStatus) *api.Error {
	e := &api.Error{
		Code: code, Message: fmt.Sprintf("filter %q has no rollout under way", st.Name),
		Hint: fmt.Sprintf("`wasm-xds status %s` shows what it serves", st.Name),
	}
	if st.Serving != nil {
		e.Message += fmt.Sprintf(": revision %s is everyone's", st.Serving.ID)
	}
	return e
}

// stopped is the error for a filter with a stopped rollout.
func stopped(st delivery.FilterStatus) *api.Error {
	r := st.Rollout
	return &api.Error{
		Code: r.Stopped.Code, Message: fmt.Sprintf("the rollout of revision %s has stopped: %s", r.Revision, r.Stopped.Message),
		Hint: fmt.Sprintf("correct what is wrong, or try the same again with `wasm-xds retry %s`", st.Name),
	}
}

// by is " by ann"; "": nobody is known.
func by(name string) string {
	if name == "" {
		return ""
	}
	return " by " + name
}

// Unpin returns the error for a filter without a rollback; nil: it has one.
func Unpin(name string, pinned bool) *api.Error {
	if pinned {
		return nil
	}
	return &api.Error{
		Code: CodeNothingToUnpin, Message: fmt.Sprintf("filter %q serves what its spec describes: no rollback holds", name),
		Hint: fmt.Sprintf("`wasm-xds rollback %s --pin` serves an earlier revision until it is unpinned", name),
	}
}
