package signal

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// ErrFull says the store takes no further Envoy.
var ErrFull = errors.New("the reports of Envoys take all of their memory")

// Key names an Envoy: a node id, and the host of its connection, because hosts may have copies of a
// bootstrap. A lookup without a host finds the Envoys of all hosts.
type Key struct{ Node, Host string }

// keepClosed is how long the figures of an Envoy stay after its last stream.
const keepClosed = 15 * time.Minute

// Store keeps the reports of all Envoys. Any goroutine may call the methods.
type Store struct {
	limits Limits

	mu     sync.RWMutex
	envoys map[string][]*envoy // by node id
	count  int
	bytes  int
}

// NewStore returns an empty store.
func NewStore(limits Limits) *Store {
	return &Store{limits: limits.WithDefaults(), envoys: map[string][]*envoy{}}
}

// Source is a stream of reports. Only one goroutine may call the methods at a time.
type Source struct {
	store   *Store
	key     Key
	envoy   *envoy
	process *process // nil: there was no report yet
}

// Open begins a stream of reports of an Envoy. The caller closes the source.
func (s *Store) Open(key Key, now time.Time) (*Source, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.find(key)
	if e == nil {
		if s.bytes+envoyBytes > s.limits.Bytes {
			s.forget(now, true)
		}
		if s.bytes+envoyBytes > s.limits.Bytes {
			return nil, ErrFull
		}
		e = &envoy{host: key.Host, counted: envoyBytes}
		s.bytes += envoyBytes
		s.envoys[key.Node] = append(s.envoys[key.Node], e)
		s.count++
	}
	e.mu.Lock()
	e.streams++
	e.mu.Unlock()
	return &Source{store: s, key: key, envoy: e}, nil
}

func (s *Store) find(key Key) *envoy {
	for _, e := range s.envoys[key.Node] {
		if e.host == key.Host {
			return e
		}
	}
	return nil
}

// Forget drops the Envoys without a stream for some time. The caller calls it now and then.
func (s *Store) Forget(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(now, false)
}

// forget drops Envoys without streams; all: also Envoys with streams that have just ended.
func (s *Store) forget(now time.Time, all bool) {
	for node, of := range s.envoys {
		kept := slices.DeleteFunc(of, func(e *envoy) bool {
			e.mu.Lock()
			defer e.mu.Unlock()
			gone := e.streams == 0 && (all || e.last == 0 || now.UnixMilli()-e.closed > keepClosed.Milliseconds())
			if gone {
				s.count--
				s.bytes -= e.counted
			}
			return gone
		})
		if len(kept) == 0 {
			delete(s.envoys, node)
		} else {
			s.envoys[node] = kept
		}
	}
}

// Report takes a message that arrived at a time. The report's names are copied.
func (src *Source) Report(r *Report, now time.Time) {
	e, limits := src.envoy, src.store.current()
	e.mu.Lock()
	var grown int
	src.process, grown = e.report(src.process, r, now.UnixMilli(), limits)
	e.mu.Unlock()
	src.store.grow(grown)
}

// current are the limits of an Envoy's report: once all memory is taken, an Envoy gets no further
// names, and keeps few points.
func (s *Store) current() Limits {
	s.mu.RLock()
	defer s.mu.RUnlock()
	limits := s.limits
	if s.bytes >= limits.Bytes {
		limits.Names, limits.EnvoyBytes = 0, 0
	}
	return limits
}

func (s *Store) grow(bytes int) {
	if bytes == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes += bytes
}

// Trap notes requests that Envoy has failed because of a trapped VM.
func (src *Source) Trap(n uint64, now time.Time) {
	e := src.envoy
	e.mu.Lock()
	defer e.mu.Unlock()
	e.traps.add(n, now.UnixMilli())
}

// Close ends the stream.
func (src *Source) Close(now time.Time) {
	e := src.envoy
	e.mu.Lock()
	defer e.mu.Unlock()
	if src.process != nil {
		src.process.open = false
	}
	e.streams--
	e.closed = now.UnixMilli()
}

// Between returns an Envoy's reports for a span, with the reloads of a filter. Only reports
// that lie wholly within the span count. false: there is none.
func (s *Store) Between(key Key, filter string, from, to time.Time) (f Figures, ok bool) {
	for _, e := range s.all(key) {
		one, known := e.between(filter, from, to)
		if known {
			f.Add(&one)
			ok = true
		}
	}
	return f, ok
}

// Spans returns the parts of [Store.Between], sorted by Envoy and time. Traps that were reported
// outside of all parts are missing.
func (s *Store) Spans(key Key, filter string, from, to time.Time) (all []Span) {
	for _, e := range s.all(key) {
		all = append(all, e.spans(filter, from, to)...)
	}
	return all
}

// all returns the Envoys of a key.
func (s *Store) all(key Key) []*envoy {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if key.Host == "" {
		return slices.Clone(s.envoys[key.Node])
	}
	if e := s.find(key); e != nil {
		return []*envoy{e}
	}
	return nil
}

// State returns the state of an Envoy. since is the time of its last report.
func (s *Store) State(key Key, now time.Time) (state State, since time.Time) {
	for _, e := range s.all(key) {
		if one, last := e.state(now); last.After(since) {
			state, since = one, last
		}
	}
	return state, since
}

// Totals are the sums of a store.
type Totals struct {
	Reporting, Lost int    // Envoys by state
	Bytes           int    // of memory
	Dropped         uint64 // counters beyond the limits of an Envoy, in all reports
}

// Totals returns the sums. Envoys without a stream count in none of the states.
func (s *Store) Totals(now time.Time) (t Totals) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t.Bytes = s.bytes
	for _, of := range s.envoys {
		for _, e := range of {
			state, _ := e.state(now)
			e.mu.Lock()
			t.Dropped += e.dropped
			switch {
			case e.streams == 0 && state != Lost:
			case state == Reporting:
				t.Reporting++
			case state == Lost:
				t.Lost++
			}
			e.mu.Unlock()
		}
	}
	return t
}
