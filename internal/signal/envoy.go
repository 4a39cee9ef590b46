package signal

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// envoy is an Envoy with its reports.
type envoy struct {
	host string

	mu        sync.Mutex
	names     names
	points    points
	traps     traps
	processes []*process
	streams   int
	counted   int   // bytes that the store counts for the Envoy
	last      int64 // time of the last report; 0: none
	gaps      [5]int64
	reports   int
	closed    int64 // when the last stream ended
	dropped   uint64
}

// mostProcesses bounds the processes of an Envoy without a stream.
const mostProcesses = 4

// report adds a point of a process; nil: the process of a new stream. The results are the process,
// and the growth in bytes.
func (e *envoy) report(p *process, r *Report, now int64, limits Limits) (*process, int) {
	counts, from := true, int64(0)
	if p == nil {
		p, counts, from = e.processOf(startOf(r, now), now)
	}
	if p.reports > 0 {
		from = p.at
	}
	part := p.reports > 0 && r.time != 0 && r.time == p.time // of the same report as the last message
	p.delta = p.delta || r.isDelta
	next := point{start: from, end: now, memory: r.memory, pressure: r.pressure, workers: r.workers, times: r.times.buckets()}
	for _, c := range r.counters {
		index := e.names.find(c.name, c.kind, limits.Names, limits.EnvoyBytes)
		if index < 0 {
			e.dropped++
			continue
		}
		if n := p.since(index, c.value, counts); n > 0 {
			next.count(index, c.kind, n)
		}
	}
	slices.SortFunc(next.named, func(a, b namedCount) int { return a.index - b.index })
	if !counts {
		next.times = nil // of a span without counts
	}
	switch {
	case part && e.points.n > 0:
		next.start = now
		e.points.amend(&next, limits.EnvoyBytes)
	case counts:
		e.points.add(&next, limits.EnvoyBytes)
	}
	if !part {
		if e.last > 0 {
			e.gaps[e.reports%len(e.gaps)] = max(now-e.last, 1)
			e.reports++
		}
		e.last = now
	}
	if started := startOf(r, now); started != 0 && (p.started == 0 || started < p.started) {
		p.started = started // a report that travelled for longer gives a later start
	}
	p.at, p.time = now, r.time
	p.reports++
	return p, e.recount()
}

// count adds the increase of a counter.
func (p *point) count(index int, k kind, n uint64) {
	switch k {
	case requests:
		p.counts[countRequests] += n
	case errors5xx:
		p.counts[countErrors] += n
	case denials4xx:
		p.counts[countDenials] += n
	case reloads, custom:
		p.named = append(p.named, namedCount{index, n})
	}
}

// envoyBytes is the memory of an Envoy and a process without points and names.
const envoyBytes = 600

// recount returns the growth of the Envoy since the last recount.
func (e *envoy) recount() int {
	size := envoyBytes + 16*cap(e.traps) + e.names.bytes + cap(e.points.data)
	grown := size - e.counted
	e.counted = size
	return grown
}

// youngUptime is the age up to which a new process is counted from its start.
const youngUptime = time.Hour

// processOf returns the process with a start, which a stream begins to report. counts says whether
// the first values count, and from is the time from which they do.
func (e *envoy) processOf(started, now int64) (p *process, counts bool, from int64) {
	for _, known := range slices.Backward(e.processes) {
		if !known.open && known.isSame(started) {
			known.open = true
			return known, true, known.at
		}
	}
	p = &process{started: started, open: true, at: now}
	e.processes = append(e.processes, p)
	for i := 0; len(e.processes) > mostProcesses && i < len(e.processes)-1; {
		if e.processes[i].open {
			i++
			continue
		}
		e.processes = slices.Delete(e.processes, i, i+1)
	}
	if started != 0 && now-started < youngUptime.Milliseconds() {
		return p, true, started
	}
	return p, false, now
}

func (e *envoy) between(filter string, from, to time.Time) (f Figures, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := reader{envoy: e, filter: filter, from: from.UnixMilli(), workers: 1}
	e.points.within(from, to, func(p *point) {
		ok = true
		r.read(&f, p)
	})
	f.Traps = e.traps.between(from.UnixMilli(), to.UnixMilli())
	return f, ok
}

// spans is between, point by point.
func (e *envoy) spans(filter string, from, to time.Time) (all []Span) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := reader{envoy: e, filter: filter, from: from.UnixMilli(), workers: 1}
	e.points.within(from, to, func(p *point) {
		one := Span{Start: time.UnixMilli(p.start), End: time.UnixMilli(p.end)}
		r.read(&one.Figures, p)
		one.Traps = e.traps.between(p.start, p.end)
		all = append(all, one)
	})
	return all
}

// reader reads the points of an Envoy, the oldest first.
type reader struct {
	envoy   *envoy
	filter  string
	from    int64
	workers uint64 // the most so far
}

// read adds a point to f, except for its traps.
func (r *reader) read(f *Figures, p *point) {
	r.workers = max(r.workers, p.workers)
	before := r.envoy.traps.between(r.from, p.start)
	f.Bypassed += p.counts[countRequests] * min(before, r.workers) / r.workers
	f.Requests += p.counts[countRequests]
	f.Errors5xx += p.counts[countErrors]
	f.Denials4xx += p.counts[countDenials]
	f.Memory, f.MemoryPercent = cmp.Or(p.memory, f.Memory), cmp.Or(p.pressure, f.MemoryPercent)
	for _, one := range p.times {
		f.Time.counts[one.bucket] += one.n
	}
	names := &r.envoy.names
	for _, one := range p.named {
		label := labelOf(names.kinds[one.index], names.all[one.index])
		switch {
		case names.kinds[one.index] == custom:
			if f.Custom == nil {
				f.Custom = map[string]uint64{}
			}
			f.Custom[label] += one.n
		case label == r.filter:
			f.Reloads += one.n
		}
	}
}

// firstInterval is the interval of an Envoy that has reported once: Envoy's default for
// stats_flush_interval.
const firstInterval = 5 * time.Second

// State says whether an Envoy reports.
type State uint8

// The states.
const (
	Never     State = iota // no report has arrived since the server's start
	Reporting              // the newest report is fresh
	Lost                   // no report has arrived for three intervals
)

func (e *envoy) state(now time.Time) (State, time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last == 0 {
		return Never, time.Time{}
	}
	last := time.UnixMilli(e.last)
	if now.Sub(last) > 3*e.interval() {
		return Lost, last
	}
	return Reporting, last
}

// interval is the time between two reports, at least a second.
func (e *envoy) interval() time.Duration {
	shortest := int64(0)
	for _, gap := range e.gaps[:min(e.reports, len(e.gaps))] {
		if shortest == 0 || gap < shortest {
			shortest = gap
		}
	}
	if shortest == 0 {
		return firstInterval
	}
	return max(time.Duration(shortest)*time.Millisecond, time.Second)
}
