package host

import (
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

const (
	// maximumKept bounds the kept bytes.
	maximumKept = 64 << 20
	// perItem is the size of a stored item beside the content.
	perItem = 64
)

// budget counts the bytes in the host for a module, and ends a module with too many.
type budget struct {
	at     *progress
	kept   int // during a stream
	stored int // for longer: shared data, queues, metrics
}

// keep counts bytes with the lifetime of a stream.
func (b *budget) keep(n int) {
	b.kept += n
	b.bound()
}

// store counts bytes with a longer lifetime. A negative n frees bytes.
func (b *budget) store(n int) {
	b.stored += n
	b.bound()
}

// storeOutside is [budget.store] outside of the module, where the host cannot end the module. If
// there are too many bytes then, the next stored item ends the module.
func (b *budget) storeOutside(n int) { b.stored += n }

// beginStream forgets the bytes of the former stream.
func (b *budget) beginStream() { b.kept = 0 }

func (b *budget) bound() {
	if b.kept+b.stored > maximumKept {
		b.at.stop(finding.CodeMemoryLimit, "the module has stored more than %d MiB with the host", maximumKept>>20)
	}
}
