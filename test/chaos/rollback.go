package chaos

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
)

// rollBack rolls the step's filter back to an earlier known revision, if there is one. If the
// server goes down meanwhile, rollBack asks again.
func rollBack(r *rig, s Step) {
	name := Filters()[s.Filter]
	target := ""
	for began := time.Now(); time.Since(began) < stuckAfter && r.ctx.Err() == nil; rest(r.ctx, 20*time.Millisecond) {
		if target == "" {
			earlier, err := r.api.earlier(r.ctx, name)
			if err != nil {
				continue
			}
			var known []string
			for _, revision := range earlier {
				if r.plan.World.Filters[s.Filter].Everywhere[r.revisions[name][revision]] {
					known = append(known, revision)
				}
			}
			if len(known) == 0 {
				return
			}
			target = known[s.Pick%uint64(len(known))]
			for _, e := range r.envoys {
				e.load.change(func(x *Expectation) *Expectation {
					return x.Allow(s.Filter, r.revisions[name][target], time.Now())
				})
			}
		}
		status, body, err := r.api.call(r.ctx, http.MethodPost, "/api/v1/filters/"+string(name)+"/rollback",
			fmt.Sprintf(`{"revision": %q, "pin": %t}`, target, s.Kind == Pin))
		if err != nil {
			continue
		}
		switch {
		case status == http.StatusOK, status == http.StatusConflict && bytes.Contains(body, []byte("nothing_to_roll_back")):
			r.plan.RolledBack(s.Filter, r.revisions[name][target], s.Kind == Pin)
			return
		case r.damaged && bytes.Contains(body, []byte("module_unreadable")): // nothing was rolled back
			return
		case bytes.Contains(body, []byte("specs_not_read")): // the server has just started: try again
		default:
			r.report.disagree(s, fmt.Sprintf("rollback of %s to %s, which its history has: status %d: %s", name, target, status, body))
			return
		}
	}
}
