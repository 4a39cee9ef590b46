package delivery

import (
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// foundFor is the refusal that the sandbox has found for Envoys of a version; nil: none. The
// finding is as good as a NACK, unless an Envoy of the version has answered for r: that answer
// counts more.
// See docs/RATIONALE.md#how-does-a-finding-for-some-envoy-versions-count.
func foundFor(verdicts *verdict.Book, r *snapshot.Revision, envoy string) *Problem {
	refusal := r.RefusalFor(envoy)
	if refusal == nil {
		return nil
	}
	if _, judged := verdicts.Of(r, envoy); judged {
		return nil
	}
	return &Problem{Code: refusal.Code, Message: refusal.Message, Hint: refusal.Hint, Revision: r.ID}
}

// tooOld says why Envoys of a version do not get r: they ignore a setting of r, and the spec does
// not accept the loss. nil: they may get r. An ACK proves nothing here, because Envoy ignores the
// setting without an error.
// See docs/RATIONALE.md#why-does-an-old-envoy-not-get-a-filter-with-a-newer-setting.
func tooOld(w *snapshot.Filter, r *snapshot.Revision, envoy string) *Problem {
	losses := r.Losses(envoy)
	if len(losses) == 0 {
		return nil
	}
	if w != nil {
		losses = slices.DeleteFunc(losses, func(l snapshot.Loss) bool { return slices.Contains(w.AcceptLoss, l.Setting) })
	}
	if len(losses) == 0 {
		return nil
	}
	return tooOldProblem(r, envoy, losses)
}

// oldCache has tooOld for the last two revisions that one group was asked for: the candidate and
// the stable revision. Each decision about a rollout asks several times, and reads all settings of
// the revision each time: BenchmarkPush notices the loss. The zero value is empty.
type oldCache [2]struct {
	w *snapshot.Filter
	r *snapshot.Revision
	p *Problem
}

// of is tooOld for the group. All Envoys of the group have that version.
func (c *oldCache) of(w *snapshot.Filter, r *snapshot.Revision, envoy string) *Problem {
	for i := range c {
		if l := &c[i]; l.w == w && l.r == r {
			return l.p
		}
	}
	c[1] = c[0]
	c[0].w, c[0].r, c[0].p = w, r, tooOld(w, r, envoy)
	return c[0].p
}
