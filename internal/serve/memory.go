package serve

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// memoryLook is the time between two looks at the memory.
const memoryLook = 5 * time.Second

// memoryUse is the Go runtime's view of the memory.
type memoryUse struct {
	allocated uint64 // bytes since the start of the process
	live      uint64 // bytes that the last collection has found in use
}

// calm decides when the memory of a burst goes back to the system: of thousands of Envoys that
// connected at once, or of an attack. Without it, the runtime keeps the memory until its next
// collection, which a server at rest has every two minutes, and some of it for much longer. The
// zero value has seen nothing.
type calm struct {
	last     uint64 // allocated at the last look
	returned uint64 // allocated when memory was returned
	resting  int    // looks since that return
}

// Between two returns, the server has allocated at least half of the memory in use, and leastBurst.
// The runtime itself collects when it has allocated as much as there was in use, so it would not
// see the end of ten thousand connections that had doubled the memory. The server is at rest if it
// allocates less than calmRate between two looks.
//
// A small burst leaves less behind: a twelfth of the memory in use, or leastSmall. Its memory goes
// back, too, at least againAfter looks after the last return. The collections for this cost a
// server at work well below a hundredth of a CPU.
const (
	liveOfBurst = 2
	leastBurst  = 16 << 20
	liveOfSmall = 12
	leastSmall  = 4 << 20
	calmRate    = 4 << 20
	// againAfter and lastAfter are the numbers of looks after which memory is returned once more:
	// connections that have ended let go of their memory by and by, and caches within two minutes.
	againAfter = 6
	lastAfter  = 26
)

// look says whether the memory is to be returned now.
func (c *calm) look(u memoryUse) bool {
	rests := u.allocated-c.last < calmRate
	c.last = u.allocated
	c.resting++
	since := u.allocated - c.returned
	switch {
	case !rests:
		return false
	case since >= max(leastBurst, u.live/liveOfBurst), c.resting >= againAfter && since >= max(leastSmall, u.live/liveOfSmall):
		c.returned, c.resting = u.allocated, 0
		return true
	default:
		return c.returned > 0 && (c.resting == againAfter || c.resting == lastAfter)
	}
}

// returnMemory returns the memory of bursts to the system until ctx ends.
func returnMemory(ctx context.Context) {
	ticker := time.NewTicker(memoryLook)
	defer ticker.Stop()
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}
	var c calm
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			metrics.Read(samples)
			if c.look(memoryUse{samples[0].Value.Uint64(), samples[1].Value.Uint64()}) {
				runtime.GC() // pools keep their buffers for one collection
				debug.FreeOSMemory()
			}
		}
	}
}
