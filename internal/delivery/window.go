package delivery

import "github.com/wasm-xds/wasm-xds/pkg/snapshot"

// windowBytes bounds the outstanding bytes of modules: nothing is added above. An Envoy takes about
// a second to load a megabyte, and an urgent push may come up.
const windowBytes = 1 << 20

// window counts the loads and the bytes that are outstanding on a stream. Once it has been full,
// half of it is answered before more responses follow: responses and answers that travel together
// cost less.
// See docs/RATIONALE.md#why-are-several-responses-outstanding-at-a-time-in-delta.
type window struct {
	loads int
	bytes int64
	full  bool // it was full, and less than half of it has been answered
}

// hasRoom says whether a resource may be added.
func (w *window) hasRoom(size int) bool { return w.loads < size && w.bytes < windowBytes }

// isFull says whether no further response may be sent for now.
func (w *window) isFull() bool { return w.full }

// add counts a resource that is sent. SotW has no window.
func (w *window) add(weight weight, size int, delta bool) {
	w.loads += weight.loads
	w.bytes += weight.bytes
	w.full = w.full || delta && w.loads >= size
}

// remove counts a resource that is not outstanding any more.
func (w *window) remove(weight weight, size int) {
	w.loads -= weight.loads
	w.bytes -= weight.bytes
	w.full = w.full && w.loads > size/2
}

// weight is a resource's part of the window: loads, and bytes of modules.
type weight struct {
	loads int
	bytes int64
}

// weigh is the weight of a resource. Envoy does not load a running revision again (replay), but
// compares the bytes on the wire.
func weigh(r *snapshot.Revision, v Variant, replay bool) weight {
	switch {
	case !replay:
		return weight{1, r.Module.Size}
	case v == Inline:
		return weight{0, r.Module.Size}
	default:
		return weight{}
	}
}
