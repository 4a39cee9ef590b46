package serve

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// memoryLook is the time between two looks at the memory.
const memoryLook = 5 * time.Second

// memoryUse is what the Go runtime says of the memory.
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
}

// Between two returns, the server has allocated at least burstOfLive times what is in use, and
// leastBurst. It is at rest if it allocates less than calmRate between two looks.
const (
	burstOfLive = 2
	leastBurst  = 32 << 20
	calmRate    = 4 << 20
)

// look says whether the memory is to be returned now.
func (c *calm) look(u memoryUse) bool {
	rests := u.allocated-c.last < calmRate
	c.last = u.allocated
	if !rests || u.allocated-c.returned < max(leastBurst, burstOfLive*u.live) {
		return false
	}
	c.returned = u.allocated
	return true
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
				debug.FreeOSMemory()
			}
		}
	}
}
