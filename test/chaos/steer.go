package chaos

import (
	"bytes"
	"fmt"
	"net/http"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// steer does the step's commands on the rollout of the filter. If the server goes down meanwhile,
// steer asks again.
func steer(r *rig, s Step) {
	root := "/api/v1/filters/" + string(Filters()[s.Filter])
	switch s.Kind {
	case Pause:
		writeSpec(r, r.dir, s.Edits[0])
		r.command(s, http.MethodPost, root+"/rollout/pause", `{"reason": "chaos"}`, "nothing_to_steer", "paused_already")
		rest(r.ctx, s.For/4)
		r.compareHeld(s, "paused")
		r.command(s, http.MethodPost, root+"/rollout/resume", "", "nothing_to_steer", "not_paused")
	case Abort:
		writeSpec(r, r.dir, s.Edits[0])
		r.waitForWave(s)
		r.compareHeld(s, "soaking")
		r.command(s, http.MethodPost, root+"/rollout/abort", `{"reason": "chaos"}`, "rollout_aborted")
	case Freeze:
		r.command(s, http.MethodPost, "/api/v1/freeze", `{"reason": "chaos"}`, `"frozen"`)
		before := r.told(s)
		writeSpec(r, r.dir, s.Edits[0])
		rest(r.ctx, s.For/2)
		r.checkFrozen(s, before)
		r.compareHeld(s, "frozen")
		r.command(s, http.MethodDelete, "/api/v1/freeze", "", "not_frozen")
	case Unpin:
		r.command(s, http.MethodPost, root+"/unpin", "", "nothing_to_unpin")
	}
}

// command sends a command until the server has taken it. The errors mean an earlier try was
// taken, or that there is nothing left to do.
func (r *rig) command(s Step, method, path, body string, done ...string) {
	for began := time.Now(); time.Since(began) < stuckAfter && r.ctx.Err() == nil; rest(r.ctx, 20*time.Millisecond) {
		status, answer, err := r.api.call(r.ctx, method, path, body)
		if err != nil || bytes.Contains(answer, []byte("specs_not_read")) {
			continue
		}
		known := status == http.StatusOK
		for _, code := range done {
			known = known || bytes.Contains(answer, []byte(code))
		}
		if !known {
			r.report.disagree(s, fmt.Sprintf("%s %s: status %d: %s", method, path, status, answer))
		}
		return
	}
}

// waitForWave waits until a canary runs the step's content.
func (r *rig) waitForWave(s Step) {
	for began := time.Now(); time.Since(began) < stuckAfter && r.ctx.Err() == nil; rest(r.ctx, 20*time.Millisecond) {
		if t := r.told(s); t.Rollout != nil && t.Rollout.State == "soaking" {
			return
		}
	}
}

// checkFrozen checks that no Envoy runs a revision that came with the freeze.
func (r *rig) checkFrozen(s Step, before Told) {
	for _, sub := range r.told(s).Here() {
		if sub.State == harness.Live && sub.Variant != "passthrough" && sub.Variant != "deny" && sub.Revision != before.Revision &&
			r.revisions[Filters()[s.Filter]][sub.Revision] == "" {
			r.report.disagree(s, fmt.Sprintf("%s runs revision %s of %s during a freeze", sub.Node, sub.Revision, before.Name))
		}
	}
}
