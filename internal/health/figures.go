package health

import (
	"github.com/wasm-xds/wasm-xds/internal/health/stats"
	"github.com/wasm-xds/wasm-xds/internal/signal"
)

// Figures are the figures of some Envoys in one stretch of time.
type Figures struct {
	Envoys int // with figures
	// Sum has the sums over the Envoys. Its fields for memory mean nothing.
	Sum signal.Figures
	// Heap and Memory are those of an Envoy at the end of the stretch, the mean: its own heap in
	// bytes, and the share of its memory limit that is in use, in percent; 0: not known.
	Heap, Memory float64
}

// Add adds the figures of an Envoy in the same stretch of time.
func (f *Figures) Add(one *signal.Figures) {
	n := float64(f.Envoys)
	f.Heap = (f.Heap*n + float64(one.Memory)) / (n + 1)
	f.Memory = (f.Memory*n + float64(one.MemoryPercent)) / (n + 1)
	f.Envoys++
	f.Sum.Add(one)
}

// then returns the figures of the Envoys in two stretches, in turn.
func (f Figures) then(later Figures) Figures {
	both := Figures{Envoys: max(f.Envoys, later.Envoys), Heap: later.Heap, Memory: later.Memory}
	both.Sum.Add(&f.Sum)
	both.Sum.Add(&later.Sum)
	return both
}

// Group are Envoys that are compared with one another: some run the revision, and the others differ
// from them in nothing but the revision.
type Group struct {
	Key            string // tells the groups of a wave apart
	Name           string // for messages, as in "Envoy 1.40.0"
	Canary, Stable Figures
}

func (g Group) plus(later Group) Group {
	return Group{Key: g.Key, Name: g.Name, Canary: g.Canary.then(later.Canary), Stable: g.Stable.then(later.Stable)}
}

// series has the stretches of a group, the oldest first.
type series struct {
	key, name string
	stretches []Group
	sum       Group
	width     int // how many of the added stretches a full one of stretches has
	last      int // how many the last has
}

// maxStretches bounds the memory of a series, and its batches. Above it, neighbours are joined.
const maxStretches = 64

func (s *series) add(g Group) {
	s.sum = s.sum.plus(g)
	s.width = max(s.width, 1)
	if n := len(s.stretches); n > 0 && s.last < s.width {
		s.stretches[n-1] = s.stretches[n-1].plus(g)
		s.last++
	} else {
		s.stretches, s.last = append(s.stretches, g), 1
	}
	if len(s.stretches) < maxStretches || s.last < s.width {
		return
	}
	for i := range maxStretches / 2 {
		s.stretches[i] = s.stretches[2*i].plus(s.stretches[2*i+1])
	}
	clear(s.stretches[maxStretches/2:])
	s.stretches = s.stretches[:maxStretches/2]
	s.width *= 2
	s.last = s.width
}

// pairs returns the counts of each stretch.
func (s *series) pairs(canary, stable func(*Figures) stats.Count) []stats.Pair {
	pairs := make([]stats.Pair, len(s.stretches))
	for i, g := range s.stretches {
		pairs[i] = stats.Pair{A: canary(&g.Canary), B: stable(&g.Stable)}
	}
	return pairs
}
