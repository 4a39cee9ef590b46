package signal

import (
	"encoding/binary"
	"slices"
	"time"
)

// The bounds of an Envoy's points. With a report every five seconds, the newest ten minutes keep
// their resolution.
const (
	mostPoints  = 160
	finePoints  = 120
	fewestMerge = 2 // this many points stay, whatever their size
	keepPoints  = 24 * time.Hour
)

// points are the spans of an Envoy, by time of arrival.
type points struct {
	data []byte // each point with its length before it, without gaps
	n    int
}

// room is by how much the memory of the points grows at once, in bytes.
const room = 512

// offsets are the places of all points in data, and the end.
type offsets [mostPoints + 2]int

func (t *points) offsets() (all offsets) {
	at := 0
	for i := range t.n {
		all[i] = at
		length, n := binary.Uvarint(t.data[at:])
		at += n + int(length)
	}
	all[t.n] = at
	return all
}

// at returns the point at a place.
func (t *points) at(place int) packed {
	length, n := binary.Uvarint(t.data[place:])
	return packed(t.data[place+n : place+n+int(length)])
}

// add adds a point, and merges older ones beyond the bounds.
func (t *points) add(p *point, mostBytes int) {
	all := t.offsets()
	t.splice(all[t.n], all[t.n], p)
	t.n++
	for t.n > 1 {
		all = t.offsets()
		if _, end := t.at(0).span(); end < p.end-keepPoints.Milliseconds() {
			t.splice(0, all[1], nil)
			t.n--
			continue
		}
		if t.n <= mostPoints && (len(t.data) <= mostBytes || t.n <= fewestMerge) {
			return
		}
		t.mergeOne(&all)
	}
}

// splice replaces the bytes of points by another point, or by nothing.
func (t *points) splice(from, to int, p *point) {
	var with []byte
	if p != nil {
		b := p.pack()
		with = append(binary.AppendUvarint(make([]byte, 0, len(b)+2), uint64(len(b))), b...)
	}
	if needs := len(t.data) + len(with) - (to - from); needs > cap(t.data) || cap(t.data)-needs > 2*room {
		grown := make([]byte, len(t.data), max(needs+room, len(t.data)))
		copy(grown, t.data)
		t.data = grown
	}
	t.data = slices.Replace(t.data, from, to, with...)
}

// amend adds to the newest point.
func (t *points) amend(p *point, mostBytes int) {
	all := t.offsets()
	newest := t.at(all[t.n-1]).unpack()
	t.splice(all[t.n-1], all[t.n], nil)
	t.n--
	newest.merge(p)
	t.add(&newest, mostBytes)
}

// mergeOne merges the two neighbours with the shortest span for their age. The newest points
// stay as they are, as long as there are enough others.
func (t *points) mergeOne(all *offsets) {
	old := t.n - finePoints
	if old < 2 {
		old = t.n
	}
	_, now := t.at(all[t.n-1]).span()
	best, first := -1.0, 0
	for i := range old - 1 {
		start, end := t.at(all[i]).span()
		start2, end2 := t.at(all[i+1]).span()
		length, age := max(end, end2)-min(start, start2), now-min(start, start2)
		if share := float64(length) / float64(age+1); best < 0 || share < best {
			best, first = share, i
		}
	}
	merged, later := t.at(all[first]).unpack(), t.at(all[first+1]).unpack()
	merged.merge(&later)
	t.splice(all[first], all[first+2], &merged)
	t.n--
}

// within calls each with the points that lie wholly in a span, the oldest first.
func (t *points) within(from, to time.Time, each func(*point)) {
	all := t.offsets()
	for _, place := range all[:t.n] {
		b := t.at(place)
		if start, end := b.span(); start < from.UnixMilli() || end > to.UnixMilli() {
			continue
		}
		p := b.unpack()
		each(&p)
	}
}
