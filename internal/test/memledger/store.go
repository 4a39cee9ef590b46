// Package memledger is a ledger in memory, for tests.
//
// A [Store] is linearizable: each write has its place in one order. Each [Client] hears of the
// writes in that order, but late: a test delivers the events singly with [Client.Next], or as
// they come with [Client.Run]. A client can be disconnected, and its lease can expire. The switches
// of the store plant bugs that a test of the replicas has to find.
//
//	store := memledger.New()
//	a := store.Join("a")
//	a.Report(ledger.Presence{Replica: "a"})
//	for e, is := a.Next(); is; e, is = a.Next() {
//		...
//	}
//
// All methods may be called from any goroutine.
package memledger

import (
	"maps"
	"slices"
	"sync"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Bugs are bugs to plant. The zero value has none.
type Bugs struct {
	WithoutFence    bool // a proposal is written whoever leads, and whatever the record is
	LoadsOverwrites bool // a success replaces a refusal
}

// Store is the shared state of a ledger. Use [New].
type Store struct {
	mu       sync.Mutex
	bugs     Bugs
	rev      int64 // of the last write
	log      []entry
	changed  chan struct{} // closed when the log grows
	records  map[string]ledger.Record
	contents map[string]map[string]*snapshot.Revision // by filter and id
	verdicts map[verdict.Key]ledger.Verdict
	notes    map[noteKey]ledger.Note
	present  map[string]ledger.Presence
	commands map[string]ledger.Command
	freeze   *rollout.Hold
	queue    []*Client // the candidates for the lead; the first one leads
	writes   int
}

// Client is the access of a replica to a [Store]. It is a [ledger.Ledger].
type Client struct {
	store     *Store
	name      string
	connected bool
	leased    bool
	cut       bool // disconnected by the test
	term      int64
	at        int            // the next entry of the log
	first     []ledger.Event // told before the log: everything that the ledger had
	later     []func()       // writes that wait for the connection
	presence  *ledger.Presence
}

type noteKey struct{ filter, node string }

// entry is a change that clients hear of.
type entry struct {
	event ledger.Event
	to    *Client // nil: all
	lead  *lead   // not nil: another client leads
}

type lead struct {
	name string
	term int64
}

// New makes an empty store.
func New() *Store {
	return &Store{
		changed: make(chan struct{}), records: map[string]ledger.Record{}, contents: map[string]map[string]*snapshot.Revision{},
		verdicts: map[verdict.Key]ledger.Verdict{}, notes: map[noteKey]ledger.Note{}, present: map[string]ledger.Presence{},
		commands: map[string]ledger.Command{},
	}
}

// Plant plants bugs.
func (s *Store) Plant(b Bugs) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bugs = b
}

// Writes is the number of writes so far.
func (s *Store) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// Record is the record of a filter; false: there is none.
func (s *Store) Record(filter string) (ledger.Record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, is := s.records[filter]
	return r, is
}

// Verdict is the verdict with a key; false: there is none.
func (s *Store) Verdict(key verdict.Key) (ledger.Verdict, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, is := s.verdicts[key]
	return v, is
}

// Notes are all notes, sorted by filter and node.
func (s *Store) Notes() []ledger.Note {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.allNotes()
}

// Present are the names of the replicas with a lease, sorted.
func (s *Store) Present() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.present))
}

// Leader is the name of the leader; "": nobody leads.
func (s *Store) Leader() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return ""
	}
	return s.queue[0].name
}

func (s *Store) allNotes() []ledger.Note {
	return slices.SortedFunc(maps.Values(s.notes), func(a, b ledger.Note) int { return compare(a.Filter+"\x00"+a.Node, b.Filter+"\x00"+b.Node) })
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// next is the revision of a write.
func (s *Store) next() int64 {
	s.rev++
	s.writes++
	return s.rev
}

// tell adds a change to the log.
func (s *Store) tell(e entry) {
	s.log = append(s.log, e)
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Store) tellAll(e ledger.Event) { s.tell(entry{event: e}) }

// changedRecord is the event about a record.
func (s *Store) changedRecord(r ledger.Record) ledger.RecordChanged {
	e := ledger.RecordChanged{Record: r}
	for _, id := range r.Contents() {
		if content := s.contents[r.Filter][id]; content != nil {
			e.Revisions = append(e.Revisions, content)
		}
	}
	return e
}

// isLeader says whether a term is the present leader's.
func (s *Store) isLeader(term int64) bool {
	return term != 0 && len(s.queue) > 0 && s.queue[0].term == term
}

// propose writes a proposal, and says whether it did.
func (s *Store) propose(p ledger.Proposal) bool {
	r := p.Record
	if !s.bugs.WithoutFence && (!s.isLeader(r.Term) || s.records[r.Filter].Mod != r.Mod) {
		return false
	}
	r.Mod = s.next()
	if p.DropRefusals != "" {
		s.dropRefusals(p.DropRefusals)
	}
	for _, id := range p.Done {
		delete(s.commands, id)
		s.tellAll(ledger.CommandEnded{ID: id, Problem: p.Ended[id]})
	}
	if p.Gone {
		delete(s.records, r.Filter)
		delete(s.contents, r.Filter)
		s.tellAll(ledger.RecordChanged{Record: ledger.Record{Filter: r.Filter, Mod: r.Mod}, Gone: true})
		return true
	}
	s.records[r.Filter] = r
	kept := map[string]*snapshot.Revision{}
	for _, id := range r.Contents() {
		if content := s.contents[r.Filter][id]; content != nil {
			kept[id] = content
		}
	}
	for _, content := range p.Contents {
		kept[content.ID] = content
	}
	s.contents[r.Filter] = kept
	s.tellAll(s.changedRecord(r))
	return true
}

func (s *Store) dropRefusals(revision string) {
	for _, v := range sortedVerdicts(s.verdicts) {
		if v.Revision == revision && !v.Loads {
			delete(s.verdicts, v.Key())
			s.tellAll(ledger.VerdictChanged{Verdict: v, Gone: true})
		}
	}
}

func sortedVerdicts(all map[verdict.Key]ledger.Verdict) []ledger.Verdict {
	return slices.SortedFunc(maps.Values(all), func(a, b ledger.Verdict) int { return compare(a.Revision+a.Envoy, b.Revision+b.Envoy) })
}

// judge writes a verdict.
func (s *Store) judge(v ledger.Verdict, candidate bool) {
	old, judged := s.verdicts[v.Key()]
	overwrites := !v.Loads && old.Loads && candidate || v.Loads && s.bugs.LoadsOverwrites
	if judged && (old == v || !overwrites) {
		return
	}
	s.next()
	s.verdicts[v.Key()] = v
	s.tellAll(ledger.VerdictChanged{Verdict: v})
}

// note writes notes.
func (s *Store) note(all []ledger.Note) error {
	for _, n := range all {
		_, judged := s.verdicts[n.Key()]
		if s.records[n.Filter].Mod != n.Mod || judged {
			return ledger.ErrUnchanged
		}
	}
	for _, n := range all {
		s.put(n)
	}
	return nil
}

// put writes a note, whatever the record is.
func (s *Store) put(n ledger.Note) {
	s.next()
	n.Mod = 0
	s.notes[noteKey{n.Filter, n.Node}] = n
	s.tellAll(ledger.NoteChanged{Note: n})
}

// settle deletes a note that is still as given.
func (s *Store) settle(n ledger.Note) {
	key := noteKey{n.Filter, n.Node}
	if n.Mod = 0; s.notes[key] != n {
		return
	}
	s.next()
	delete(s.notes, key)
	s.tellAll(ledger.NoteChanged{Note: n, Gone: true})
}

// report writes a presence.
func (s *Store) report(p ledger.Presence) {
	s.next()
	s.present[p.Replica] = p
	s.tellAll(ledger.PresenceChanged{Presence: p})
}

// leave deletes a presence.
func (s *Store) leave(name string) {
	if p, is := s.present[name]; is {
		s.next()
		delete(s.present, name)
		s.tellAll(ledger.PresenceChanged{Presence: p, Gone: true})
	}
}

// elect tells of another leader.
func (s *Store) elect(before *Client) {
	var now *Client
	if len(s.queue) > 0 {
		now = s.queue[0]
	}
	switch {
	case now == before:
	case now == nil:
		s.tell(entry{lead: &lead{}})
	default:
		now.term = s.next()
		s.tell(entry{lead: &lead{now.name, now.term}})
	}
}

func (s *Store) leader() *Client {
	if len(s.queue) == 0 {
		return nil
	}
	return s.queue[0]
}
