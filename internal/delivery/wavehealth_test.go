package delivery

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Looks at the health end a rollout, or let it go on. After the promotion they still take the
// revision back.
func TestHealth(t *testing.T) {
	health := &spec.Health{After: time.Minute}
	begin := func(t *testing.T) *fleet {
		t.Helper()
		f := newFleet(t, 10)
		f.edit("auth", "two!", by(spec.Inline), waves(spec.Rollout{Steps: percents(50), Soak: 10 * time.Second, Health: health}))
		f.settle()
		f.wants("two!", 1, "canary soaking, 50% waiting, all waiting")
		return f
	}
	look := func(f *fleet, o rollout.Outcome) {
		f.do(HealthLooked{Filter: "auth", Revision: f.revision(), Outcome: o, Reason: "5 of 100 requests trap, 0 of 900 elsewhere"})
	}
	t.Run("bad", func(t *testing.T) {
		f := begin(t)
		look(f, rollout.Bad)
		f.wants("two!", 0, "canary failed, 50% waiting, all waiting")
		st, _ := f.m.Status("auth")
		if st.Problem == nil || st.Problem.Code != CodeUnhealthy || !strings.Contains(st.Problem.Message, "5 of 100 requests trap") {
			t.Errorf("the problem: %+v", st.Problem)
		}
		f.kill()
		f.wait(600)
		f.wants("two!", 0, "canary failed, 50% waiting, all waiting")
	})
	t.Run("no evidence", func(t *testing.T) {
		f := begin(t)
		look(f, rollout.NoEvidence)
		f.wait(300)
		f.wants("two!", 1, "canary soaking, 50% waiting, all waiting")
		f.wantWaits("auth", "no_evidence")
		f.kill()
		f.wait(321)
		if !f.rolloutOf().Overdue {
			t.Error("it is not overdue")
		}
		look(f, rollout.Good)
		f.wants("two!", 5, "canary passed, 50% soaking, all waiting")
		f.wait(11) // each wave has a look of its own
		f.wants("two!", 5, "canary passed, 50% soaking, all waiting")
	})
	good := func(t *testing.T) *fleet {
		t.Helper()
		f := begin(t)
		if n := len(f.m.Trials()); n != 1 {
			t.Fatalf("%d trials", n)
		}
		look(f, rollout.Good)
		f.wait(11)
		look(f, rollout.Good)
		f.wait(11)
		f.wants("two!", 10, "canary passed, 50% passed, all soaking")
		return f
	}
	t.Run("bad in the watch", func(t *testing.T) {
		f := good(t)
		f.wait(30)
		f.kill()
		trials := f.m.Trials()
		if len(trials) != 1 || len(trials[0].Candidate) != 10 || trials[0].Wave != 2 {
			t.Errorf("trials: %+v", trials)
		}
		look(f, rollout.Bad)
		f.wants("two!", 0, "canary passed, 50% passed, all failed")
		f.kill()
		f.wants("one", 10, "canary passed, 50% passed, all failed")
		if st, _ := f.m.Status("auth"); st.Stable == nil || f.called(st.Stable.ID) != "one" || len(f.m.Trials()) > 0 {
			t.Errorf("stable %v", st.Stable)
		}
	})
	t.Run("the watch ends", func(t *testing.T) {
		f := good(t)
		f.wait(30)
		f.kill()
		f.wait(20)
		f.wants("two!", 10, "canary passed, 50% passed, all soaking")
		var sizes []int
		for _, w := range f.m.Rollout("auth").Waves {
			sizes = append(sizes, w.Envoys)
		}
		if !slices.Equal(sizes, []int{1, 5, 10}) {
			t.Errorf("the waves have %v Envoys", sizes)
		}
		f.wait(20)
		f.wants("two!", 10, "")
		look(f, rollout.Bad) // nobody asked
		f.wants("two!", 10, "")
	})
	t.Run("aborted in the watch", func(t *testing.T) {
		f := good(t)
		f.do(Aborted{Name: "auth", Revision: f.revision(), By: "ann"})
		f.wants("one", 10, "canary passed, 50% passed, all failed")
	})
}
