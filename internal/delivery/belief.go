package delivery

import "github.com/wasm-xds/wasm-xds/pkg/snapshot"

// belief says which version of a filter an Envoy runs, as far as the Envoy has said.
type belief struct {
	// running is the revision Envoy runs; nil: none, or not known here.
	running  *snapshot.Revision
	accepted Packed // the version Envoy runs; zero: nothing, as far as is known
}

// bare says whether the Envoy runs nothing.
func (b *belief) bare() bool { return b.accepted == Packed{} }

// runs says whether new requests at this Envoy run r.
func (b *belief) runs(r *snapshot.Revision) bool {
	if b.running != nil {
		return b.running.ID == r.ID
	}
	return b.accepted.isOf(r.ID)
}

// runsModule says whether the Envoy runs something else than a stand-in, known or not.
func (b *belief) runsModule() bool { return !b.bare() && (b.running == nil || !b.running.BuiltIn) }

// runsUnknown says whether the Envoy runs a revision that is not known here.
func (b *belief) runsUnknown() bool { return !b.bare() && b.running == nil }

// runningID is the ID of the running revision; "": none, or not known.
func (b *belief) runningID() string {
	if b.running != nil {
		return b.running.ID
	}
	return b.accepted.Unpack().Revision
}

// disown drops a running revision without a spec now. It is an unknown one from now on.
func (b *belief) disown() {
	if b.running != nil && !b.running.BuiltIn {
		b.running = nil
	}
}
