package report

import (
	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/record"
)

// Outcome returns the present facts about a filter's rollout for the record.
func Outcome(v *View, name string) record.Facts {
	st, ok := v.Machine.Brief(name)
	if !ok || st.Wanted == nil {
		return record.Facts{}
	}
	var f record.Facts
	if st.Wanted.Revision != nil {
		f.Wanted = st.Wanted.Revision.ID
	}
	if st.Stable != nil {
		f.Stable = st.Stable.ID
	}
	if st.Rollout = v.Machine.Rollout(name); st.Rollout != nil && st.Rollout.Revision == f.Wanted {
		if r := rolloutStatus(st); r != nil {
			if r.WatchUntil.IsZero() { // the record ends the waves at the promotion
				f.Waves = r.Waves
			}
			if r.Health != nil {
				f.Figures = r.Health.Comparisons
			}
		}
	}
	if p := st.Problem; p != nil && p.Revision == f.Wanted {
		f.Ended, f.Reason = endedBy(p), p.Message
	}
	return f
}

// endedBy is the outcome of a rollout that a problem has ended.
func endedBy(p *delivery.Problem) api.RevisionOutcome {
	switch p.Code {
	case delivery.CodeRejected:
		return api.OutcomeRefused
	case delivery.CodeAborted:
		return api.OutcomeAborted
	case delivery.CodeUnhealthy:
		return api.OutcomeUnhealthy
	default:
		return api.OutcomeStopped
	}
}
