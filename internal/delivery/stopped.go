package delivery

import (
	"cmp"
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// describe puts the stop of a rollout into words.
func (f *filter) describe(stop *rollout.Stop, r *snapshot.Revision) *Problem {
	switch stop.Why {
	case rollout.Lost:
		return lostProblem(r, stop.Envoy, stop.Losses)
	case rollout.NotForAny:
		if g := f.groups[stop.Envoy]; g != nil {
			if p := g.foretold(r); p != nil {
				return p
			}
		}
		return rejectedProblem(r, stop.Envoy, stop.Reason)
	case rollout.Refused:
		return rejectedProblem(r, stop.Envoy, stop.Reason)
	default:
		return f.stopProblem(stop, r)
	}
}

// stopProblem is the problem of a revision that loads and was taken back nevertheless.
func (f *filter) stopProblem(stop *rollout.Stop, r *snapshot.Revision) *Problem {
	p := &Problem{
		Revision: r.ID,
		Hint:     fmt.Sprintf("an edit of the module or its configuration starts a new rollout, `wasm-xds retry %s` tries this revision again", f.name),
	}
	switch stop.Why {
	case rollout.Aborted:
		p.Code = CodeAborted
		p.Message = fmt.Sprintf("%s has aborted the rollout of revision %s", cmp.Or(stop.By, "a user"), r.ID)
	case rollout.Overdue:
		p.Code = CodeOverdue
		p.Message = fmt.Sprintf("revision %s went back at its deadline", r.ID)
	default:
		p.Code = CodeUnhealthy
		p.Message = fmt.Sprintf("revision %s is not healthy, and went back", r.ID)
	}
	if stop.Reason != "" {
		p.Message += ": " + stop.Reason
	}
	return p
}
