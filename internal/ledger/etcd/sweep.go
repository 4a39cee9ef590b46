package etcd

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/ledger"
)

const (
	// sweepEvery is the time between two searches for keys that nothing needs.
	sweepEvery = time.Minute
	// sweepAfter is how long nothing has to need a key before it goes. A verdict may come a moment
	// before the record that mentions its revision, and an Envoy may come back with old bytes.
	sweepAfter = 15 * time.Minute
)

// sweep finds the verdicts and notes that no record needs any more. Without it, each edit would
// leave keys in etcd for ever. The leader sweeps.
type sweep struct {
	next  time.Time
	since map[string]time.Time // since when nothing needs a key
}

// due are the keys to delete now, with their last writes.
func (s *sweep) due(m *mirror, now time.Time) map[string]int64 {
	if now.Before(s.next) {
		return nil
	}
	s.next = now.Add(sweepEvery)
	needed := map[string]struct{}{}
	for _, e := range m.entries {
		if r, is := e.value.(ledger.Record); is {
			for _, id := range r.Contents() {
				needed[id] = struct{}{}
			}
			for _, c := range r.Canaries {
				needed[c.Revision] = struct{}{}
			}
		}
	}
	since, old := map[string]time.Time{}, map[string]int64{}
	for key, e := range m.entries {
		switch value := e.value.(type) {
		case ledger.Verdict:
			if _, is := needed[value.Revision]; is {
				continue
			}
		case ledger.Note:
			if _, is := m.entries[m.keys.record(value.Filter)]; is {
				continue
			}
		default:
			continue
		}
		first, waits := s.since[key]
		if !waits {
			first = now
		}
		since[key] = first
		if now.Sub(first) >= sweepAfter {
			old[key] = e.mod
		}
	}
	s.since = since
	return old
}
