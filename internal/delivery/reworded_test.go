package delivery

import (
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/builtin"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// reworded are the stand-ins of a release with other wordings.
type reworded struct{ realStandIns }

func (reworded) Deny(filter string, t spec.Type, reason, _ string) *snapshot.Revision {
	return builtin.Deny(filter, t, "in other words: "+reason, "")
}

// An upgrade rewords the denies. An Envoy with a deny of the former release is shown as denied,
// gets the new wording, and gets a filter like any Envoy with a stand-in.
func TestADenyIsNotCalledLiveAfterAnUpgrade(t *testing.T) {
	broken := func(f *snapshot.Filter) { f.Revision = nil }
	for _, sotw := range []bool{false, true} {
		for name, spec := range map[string]option{"ghost": nil, "auth": broken} {
			r := newRig(t)
			if spec != nil {
				r.edit(name, "one", spec)
			}
			r.connect(1, connection{sotw: sotw}, name)
			r.ack(1)
			before := r.version(name)
			r.memory = r.m.Memory()
			r.m = New(Config{Epoch: 9, Substitutes: reworded{}}, r.memory, r.now)
			r.sent = nil
			r.connect(2, connection{sotw: sotw, accepted: map[string]string{name: before.String()}}, name)
			if after := r.version(name); after.Revision == before.Revision || len(r.sent) != 1 {
				t.Fatalf("%s: sent %v: the new words do not reach the Envoy", name, r.sent)
			}
			r.ack(2)
			st, _ := r.m.Status(name)
			if s := st.Subscribers[0]; s.State == Live || s.Serving != ServingDeny {
				t.Errorf("%s, SotW %t: a deny is shown as %s, %q", name, sotw, s.State, s.Serving)
			}
			r.sent = nil
			r.edit(name, "one")
			if sent := r.last[2]; sent.Revision.BuiltIn || sent.Name != name {
				t.Errorf("%s: the filter does not follow: %v", name, r.sent)
			}
		}
	}
}
