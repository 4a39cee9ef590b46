package delivery

import (
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// newer adds a refusal by Envoys before 1.39.
func newer(f *snapshot.Filter) {
	f.Revision.Refusals = []snapshot.Refusal{{
		Versions: []string{"1.36", "1.37", "1.38"}, Code: "import_missing", Message: "needs Envoy 1.39 or later", Hint: "upgrade",
	}}
}

func TestWhatSomeVersionsWouldRefuseIsNotSentToThem(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one")
	r.connect(1, connection{version: "1.36.4"}, "auth")
	r.want("1 auth one inline")
	r.ack(1)
	r.connect(2, connection{version: "1.40.0"}, "auth")
	r.want("2 auth one inline")
	r.ack(2)
	r.edit("auth", "two", newer, by("inline"))
	r.want("2 auth two inline")
	r.wantState(1, "auth", "rejected one import_missing")
	r.ack(2)
	r.want()
	r.wantState(2, "auth", "live two")
	r.wantState(1, "auth", "rejected one import_missing")
	if st, _ := r.m.Status("auth"); st.Problem != nil || st.Stable == nil || r.called(st.Stable.ID) != "two" {
		t.Errorf("the filter is %+v", st)
	}
	// A restart of the server changes nothing, and a booting Envoy gets a revision known to load.
	r.restart()
	r.publish()
	r.connect(3, connection{version: "1.36.4"}, "auth")
	r.want("3 auth one inline")
	r.ack(3)
	r.wantState(3, "auth", "rejected one import_missing")
	r.edit("auth", "three", by("inline"))
	r.want("3 auth three inline")
	r.ack(3)
	r.wantState(3, "auth", "live three")
}

func TestNothingThatAnOldEnvoyWouldLoad(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one", newer)
	r.connect(1, connection{version: "1.36.4"}, "auth")
	r.want("1 auth deny/http inline")
	r.ack(1)
	r.wantState(1, "auth", "rejected "+r.called(r.last[1].Revision.ID)+" import_missing")
	st, _ := r.m.Status("auth")
	if st.Problem == nil || st.Problem.Code != "import_missing" || st.Candidate != nil || st.Serving != nil {
		t.Errorf("with old Envoys alone the filter is %+v", st)
	}
	r.connect(2, connection{version: "1.40.0"}, "auth")
	r.want("2 auth one inline")
	r.ack(2)
	if st, _ := r.m.Status("auth"); st.Problem != nil || st.Serving == nil {
		t.Errorf("with a newer one the filter is %+v", st)
	}
}

func TestUnknownVersionsAreNotHeldBack(t *testing.T) {
	for _, version := range []string{"1.41.0", "2.0.0", "1.35.1", "dev", "-"} {
		r := newRig(t)
		r.edit("auth", "one", newer)
		r.connect(1, connection{version: version}, "auth")
		r.want("1 auth one inline")
	}
}

// A revision an Envoy has loaded counts more than a finding of the sandbox.
func TestAnEnvoysOwnWordCountsMore(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one")
	r.connect(1, connection{version: "1.36.4"}, "auth")
	r.want("1 auth one inline")
	r.ack(1)
	r.edit("auth", "one", newer) // the sandbox was not asked before, or has changed
	r.want()
	r.wantState(1, "auth", "live one")
	r.connect(2, connection{version: "1.36.4"}, "auth")
	r.want("2 auth one inline")
	r.connect(3, connection{version: "1.37.0"}, "auth")
	r.want("3 auth deny/http inline")
}
