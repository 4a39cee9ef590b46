package signal

import "encoding/binary"

// point is an Envoy's report for one span of time.
type point struct {
	start, end int64 // milliseconds since 1970
	counts     [numCounts]uint64
	// memory, pressure and workers are the newest values; 0: unknown.
	memory, pressure, workers uint64
	times                     []bucketCount
	named                     []namedCount
}

// The counts of a point.
const (
	countRequests = iota
	countErrors
	countDenials
	numCounts
)

type bucketCount struct {
	bucket uint8
	n      uint64
}

// namedCount is the increase of a counter that the Envoy has under an index.
type namedCount struct {
	index int
	n     uint64
}

// packed is a point in bytes: most numbers are small.
type packed []byte

func (p *point) pack() packed {
	b := make([]byte, 0, 64)
	b = binary.AppendUvarint(b, uint64(p.end))
	b = binary.AppendUvarint(b, uint64(p.end-p.start))
	for _, n := range p.counts {
		b = binary.AppendUvarint(b, n)
	}
	for _, n := range []uint64{p.memory, p.pressure, p.workers, uint64(len(p.times)), uint64(len(p.named))} {
		b = binary.AppendUvarint(b, n)
	}
	for _, one := range p.times {
		b = binary.AppendUvarint(append(b, one.bucket), one.n)
	}
	for _, one := range p.named {
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(one.index)), one.n)
	}
	return b
}

// span reads the times alone.
func (b packed) span() (start, end int64) {
	e, n := binary.Uvarint(b)
	length, _ := binary.Uvarint(b[n:])
	return int64(e - length), int64(e)
}

func (b packed) unpack() point {
	next := func() uint64 {
		v, n := binary.Uvarint(b)
		b = b[n:]
		return v
	}
	var p point
	p.end = int64(next())
	p.start = p.end - int64(next())
	for i := range p.counts {
		p.counts[i] = next()
	}
	p.memory, p.pressure, p.workers = next(), next(), next()
	p.times, p.named = make([]bucketCount, next()), make([]namedCount, next())
	for i := range p.times {
		p.times[i].bucket = b[0]
		b = b[1:]
		p.times[i].n = next()
	}
	for i := range p.named {
		p.named[i] = namedCount{int(next()), next()}
	}
	return p
}

// merge adds a later point.
func (p *point) merge(later *point) {
	p.start, p.end = min(p.start, later.start), max(p.end, later.end)
	for i, n := range later.counts {
		p.counts[i] += n
	}
	for _, one := range []struct {
		to   *uint64
		from uint64
	}{{&p.memory, later.memory}, {&p.pressure, later.pressure}, {&p.workers, later.workers}} {
		if one.from > 0 {
			*one.to = one.from
		}
	}
	p.times = mergeTimes(p.times, later.times)
	p.named = mergeNamed(p.named, later.named)
}

// mergeTimes adds two lists that are sorted by bucket.
func mergeTimes(a, b []bucketCount) []bucketCount {
	out := make([]bucketCount, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].bucket < b[0].bucket:
			out, a = append(out, a[0]), a[1:]
		case a[0].bucket > b[0].bucket:
			out, b = append(out, b[0]), b[1:]
		default:
			out = append(out, bucketCount{a[0].bucket, a[0].n + b[0].n})
			a, b = a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// mergeNamed adds two lists that are sorted by index.
func mergeNamed(a, b []namedCount) []namedCount {
	out := make([]namedCount, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].index < b[0].index:
			out, a = append(out, a[0]), a[1:]
		case a[0].index > b[0].index:
			out, b = append(out, b[0]), b[1:]
		default:
			out = append(out, namedCount{a[0].index, a[0].n + b[0].n})
			a, b = a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// buckets lists the buckets of a histogram that count something.
func (h *Histogram) buckets() (all []bucketCount) {
	for i, n := range h.counts {
		if n > 0 {
			all = append(all, bucketCount{uint8(i), n})
		}
	}
	return all
}
