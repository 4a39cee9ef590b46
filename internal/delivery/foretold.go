package delivery

import (
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// foretold says why Envoys of a version do not get r. Either they are too old for a setting of r,
// or the sandbox has found that they would refuse the revision. The sandbox's refusal is as good as
// a NACK, unless an Envoy of the version has answered for r: that answer counts more. nil: no
// refusal is foretold. See docs/RATIONALE.md#how-does-a-finding-for-some-envoy-versions-count.
func foretold(verdicts *verdict.Book, w *snapshot.Filter, r *snapshot.Revision, envoy string) *Problem {
	if p := tooOld(w, r, envoy); p != nil {
		return p
	}
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
