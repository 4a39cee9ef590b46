package signal

import "time"

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
	all   []packed
	bytes int
}

// add adds a point, and merges older ones beyond the bounds.
func (t *points) add(p *point, mostBytes int) {
	t.push(p)
	for len(t.all) > 0 {
		if _, end := t.all[0].span(); end >= p.end-keepPoints.Milliseconds() {
			break
		}
		t.bytes -= len(t.all[0])
		t.all = t.all[1:]
	}
	for len(t.all) > mostPoints || t.bytes > mostBytes && len(t.all) > fewestMerge {
		t.mergeOne()
	}
}

func (t *points) push(p *point) {
	b := p.pack()
	t.all = append(t.all, b)
	t.bytes += len(b)
}

// amend adds to the newest point.
func (t *points) amend(p *point, mostBytes int) {
	last := len(t.all) - 1
	newest := t.all[last].unpack()
	t.bytes -= len(t.all[last])
	t.all = t.all[:last]
	newest.merge(p)
	t.add(&newest, mostBytes)
}

// mergeOne merges the two neighbours whose span is the shortest for their age. The newest points
// stay as they are, as long as there are enough others.
func (t *points) mergeOne() {
	old := len(t.all) - finePoints
	if old < 2 {
		old = len(t.all)
	}
	_, now := t.all[len(t.all)-1].span()
	best, at := -1.0, 0
	for i := range old - 1 {
		start, end := t.all[i].span()
		start2, end2 := t.all[i+1].span()
		first, last := min(start, start2), max(end, end2)
		if share := float64(last-first) / float64(now-first+1); best < 0 || share < best {
			best, at = share, i
		}
	}
	merged, later := t.all[at].unpack(), t.all[at+1].unpack()
	merged.merge(&later)
	b := merged.pack()
	t.bytes += len(b) - len(t.all[at]) - len(t.all[at+1])
	t.all[at] = b
	t.all = append(t.all[:at+1], t.all[at+2:]...)
}

// within calls each with the points that lie wholly in a span, the oldest first.
func (t *points) within(from, to time.Time, each func(*point)) {
	for _, b := range t.all {
		if start, end := b.span(); start < from.UnixMilli() || end > to.UnixMilli() {
			continue
		}
		p := b.unpack()
		each(&p)
	}
}
