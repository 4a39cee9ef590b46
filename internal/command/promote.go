package command

import (
	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// Promote returns the error for a filter without a rollout to promote; nil: there is a rollout.
func Promote(st delivery.FilterStatus) *api.Error {
	r := st.Rollout
	switch {
	case r == nil || st.Candidate == nil && !r.WatchUntil.IsZero():
		return noRollout(CodeNothingToPromote, st)
	case r.Stopped != nil:
		return stopped(st)
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
