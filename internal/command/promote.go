package command

import (
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// Promote returns the error for a filter without a rollout to promote; nil: there is a rollout.
func Promote(st delivery.FilterStatus) *api.Error {
	r := st.Rollout
	switch {
	case r == nil || st.Candidate == nil && !r.WatchUntil.IsZero():
		e := &api.Error{
			Code: CodeNothingToPromote, Message: fmt.Sprintf("filter %q has no rollout under way", st.Name),
			Hint: fmt.Sprintf("`wasm-xds status %s` shows what it serves", st.Name),
		}
		if st.Serving != nil {
			e.Message += fmt.Sprintf(": revision %s is everyone's", st.Serving.ID)
		}
		return e
	case r.Stopped != nil:
		return &api.Error{
			Code: r.Stopped.Code, Message: fmt.Sprintf("the rollout of revision %s has stopped: %s", r.Revision, r.Stopped.Message),
			Hint: fmt.Sprintf("correct what is wrong, or try the same again with `wasm-xds retry %s`", st.Name),
		}
	case r.Freeze != nil:
		return &api.Error{
			Code: CodeFrozen, Message: "the server is frozen" + by(r.Freeze.By) + reasonOf(r.Freeze.Reason) + ": no rollout is promoted",
			Hint: "`wasm-xds freeze off` ends the freeze; a rollback is possible meanwhile",
		}
	default:
		return nil
	}
}

// reasonOf is " (the reason)"; "": there is none.
func reasonOf(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}
