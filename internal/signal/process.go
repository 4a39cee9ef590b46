package signal

import (
	"cmp"
	"slices"
	"time"
	"unique"
)

// process is one run of an Envoy's program, with the last values of its counters.
type process struct {
	// started is the start in milliseconds since 1970; 0: unknown.
	started int64
	// last has the last value of each counter by its index, plus one; 0: not seen yet.
	last    []uint64
	delta   bool // counters come as increments
	at      int64
	time    int64 // of Envoy's clock, in the last message
	reports int
	open    bool // a stream reports the process
}

// startTolerance is how much two computed starts of a process differ at most. Envoy counts its
// uptime in whole seconds, and a report may travel for a while. If a process restarts within this
// time, its counters fall, which counts as well.
const startTolerance = 15 * time.Second

// startOf computes the start of the process; 0: unknown.
func startOf(r *Report, now int64) int64 {
	if r.uptime < 0 {
		return 0
	}
	return now - int64(r.uptime*1000)
}

// isSame says whether the process has that start.
func (p *process) isSame(started int64) bool {
	if p.started == 0 || started == 0 {
		return true
	}
	gap := started - p.started
	return gap > -startTolerance.Milliseconds() && gap < startTolerance.Milliseconds()
}

// since returns the increase of a counter. A counter that was not there yet counts from zero,
// unless the process has just become known.
func (p *process) since(index int, value uint64, counts bool) uint64 {
	if index >= len(p.last) {
		p.last = append(p.last, make([]uint64, index+1-len(p.last))...)
	}
	before := p.last[index]
	p.last[index] = value + 1
	switch {
	case p.delta:
		if !counts {
			return 0
		}
		return value
	case before == 0 && !counts:
		return 0
	case before == 0 || value < before-1:
		return value
	default:
		return value - (before - 1)
	}
}

// names are the counters of an Envoy, which keep their indexes.
type names struct {
	all    []string
	kinds  []kind
	sorted []uint16 // the indexes, sorted by name
	bytes  int
	custom int // the counters of modules
}

// find returns the index of a counter; -1: it is beyond the limits. A quarter of the limits is left
// to Envoy's own counters, whatever modules count.
func (n *names) find(name []byte, k kind, most, mostBytes int) int {
	at, found := slices.BinarySearchFunc(n.sorted, name, func(index uint16, name []byte) int {
		return cmp.Compare(n.all[index], string(name))
	})
	if found {
		return int(n.sorted[at])
	}
	const overhead = 48 // of a name and its last value
	if k == custom {
		mostBytes = mostBytes * 3 / 4
		if n.custom >= most*3/4 {
			return -1
		}
	}
	if len(n.all) >= most || n.bytes+len(name)+overhead > mostBytes {
		return -1
	}
	n.all, n.kinds = append(n.all, intern(name)), append(n.kinds, k)
	n.sorted = slices.Insert(n.sorted, at, uint16(len(n.all)-1))
	n.bytes += len(name) + overhead
	if k == custom {
		n.custom++
	}
	return len(n.all) - 1
}

// intern returns the name with the memory of an equal name.
func intern(name []byte) string { return unique.Make(string(name)).Value() }
