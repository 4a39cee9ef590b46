// Package corpus builds the modules for the comparison of the sandbox with real Envoys. The
// modules cover every host function with right and wrong signatures, every callback, each ABI,
// all kinds of memories, starts and failures, and malformed modules. Equal builds give equal
// bytes.
package corpus

import "slices"

// All returns the whole corpus.
func All() []Case {
	return slices.Concat(
		imports(), restricted(), callbacks(), abis(), allocators(), memories(),
		starts(), failures(), loops(), malformed(), features(), limits(), runs(), stale(), streams(),
	)
}
