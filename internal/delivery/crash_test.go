package delivery

import (
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The server is killed while a canary's answer is on its way. The version the Envoy names on its
// next stream tells whether the Envoy took the revision.
func TestCrashBeforeTheCanarysAnswer(t *testing.T) {
	const name = "auth"
	now := time.Unix(1_000_000, 0)
	wanted := func(root string) SnapshotChanged {
		r := (&snapshot.Revision{Filter: name, Type: spec.HTTP, RootID: root, VM: snapshot.VM{Runtime: "envoy.wasm.runtime.v8"}}).Seal()
		return SnapshotChanged{snapshot.New([]*snapshot.Filter{{
			Name: name, Type: spec.HTTP, Revision: r, Delivery: spec.Inline, Canary: spec.Canary{Count: 1},
		}})}
	}
	connect := func(m *Machine, accepted string) (sent []Send) {
		m.Step(now, StreamOpened{Stream: 1, Node: Node{ID: "edge", Version: "1.40.0"}, ADS: true, Delta: true})
		return sends(m.Step(now, Requested{Stream: 1, Subscribe: []Subscription{{Name: name, Accepted: accepted}}}))
	}
	m := New(Config{Epoch: 1, Substitutes: realStandIns{}}, Memory{}, now)
	m.Step(now, wanted("old"))
	old := connect(m, "")[0].Version
	m.Step(now, Requested{Stream: 1, Answer: &Answer{Name: "auth"}})
	push := sends(m.Step(now, wanted("new")))[0]
	if !push.Unproven {
		t.Error("the first push of a revision does not say that it is unproven")
	}
	memory := m.Memory() // the state on disk; the answer never comes

	for _, tc := range []struct {
		name, accepted string
		sends          int
	}{
		{"it took it", push.Version.String(), 0},
		{"it refused it", old.String(), 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := New(Config{Epoch: 2, Substitutes: realStandIns{}}, memory, now)
			if got := connect(m, tc.accepted); len(got) != tc.sends {
				t.Errorf("sent %v", got)
			}
			st, _ := m.Status(name)
			took := tc.sends == 0
			if (st.Subscribers[0].State == Live) != took || sameRevision(st.Stable, push.Revision) != took {
				t.Errorf("the canary is %s, stable is %+v", st.Subscribers[0].State, st.Stable)
			}
		})
	}
}

func sends(actions []Action) (all []Send) {
	for _, a := range actions {
		if s, ok := a.(Send); ok {
			all = append(all, s)
		}
	}
	return all
}
