package etcd

import (
	"cmp"
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/internal/seal"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// mirror has the keys as the events have told them. It is pure apart from the log.
type mirror struct {
	keys keys
	seal *seal.Keys
	log  *zap.Logger

	cluster  uint64 // of the etcd that was read; 0: none yet
	revision int64  // up to which the mirror has every change
	entries  map[string]entry
	// contents are the contents of revisions, by filter and id.
	contents map[string]map[string]*snapshot.Revision
}

// entry is a key with its value: a type of package ledger, or the name of a replica for a key of
// the election.
type entry struct {
	what        kind
	names       []string
	mod, create int64
	value       any
}

func newMirror(k keys, s *seal.Keys, log *zap.Logger) *mirror {
	return &mirror{keys: k, seal: s, log: log, entries: map[string]entry{}, contents: map[string]map[string]*snapshot.Revision{}}
}

// order is the order in which a reader gets to know what is there. Verdicts and notes come before
// the records that they concern.
var order = []kind{elections, contents, freezes, verdicts, notes, records, replicas, outcomes, commands}

// replace takes all keys at a revision, and returns the events for the differences. After the
// restore of an etcd from a backup, every key is news, and nothing that only the mirror has is
// gone: lost has these entries.
func (m *mirror) replace(all []*mvccpb.KeyValue, revision int64, cluster uint64) (events []ledger.Event, lost []entry) {
	restored := m.cluster != 0 && (cluster != m.cluster || revision < m.revision)
	there := make(map[string]struct{}, len(all))
	for _, kv := range all {
		there[string(kv.Key)] = struct{}{}
	}
	for key, e := range m.entries {
		if _, is := there[key]; is {
			continue
		}
		if restored {
			lost = append(lost, e)
		}
		events = append(events, m.drop(key, revision, restored)...)
	}
	byKind := map[kind][]*mvccpb.KeyValue{}
	for _, kv := range all {
		what, _, err := m.keys.parse(string(kv.Key))
		if err != nil {
			m.log.Warn("etcd has a key that is none of the ledger", zap.Error(err))
			continue
		}
		if known, is := m.entries[string(kv.Key)]; !is || restored || known.mod != kv.ModRevision {
			byKind[what] = append(byKind[what], kv)
		}
	}
	for _, what := range order {
		for _, kv := range byKind[what] {
			events = append(events, m.put(kv)...)
		}
	}
	m.revision, m.cluster = revision, cluster
	return events, lost
}

// put takes a key with a new value.
func (m *mirror) put(kv *mvccpb.KeyValue) []ledger.Event {
	key := string(kv.Key)
	what, names, err := m.keys.parse(key)
	if err != nil {
		return nil
	}
	e := entry{what: what, names: names, mod: kv.ModRevision, create: kv.CreateRevision}
	e.value, err = m.read(what, names, kv)
	if err != nil {
		// The entry stays, so the same value is not read again.
		m.log.Error("a value in etcd cannot be read", zap.String("key", key), zap.Error(err))
	}
	m.entries[key] = e
	if what == contents {
		return m.takeContent(names[0], names[1], e.value)
	}
	if e.value == nil {
		return nil
	}
	return m.tell(e, false)
}

// read decodes a value; nil: it has no meaning for this version.
func (m *mirror) read(what kind, names []string, kv *mvccpb.KeyValue) (any, error) {
	switch what {
	case records:
		r, err := decode[ledger.Record](kv.Value)
		r.Filter, r.Mod = names[0], kv.ModRevision
		return orNil(r, err)
	case contents:
		r, err := decodeRevision(m.seal, names[1], kv.Value)
		return orNil(r, err)
	case verdicts:
		v, err := decode[ledger.Verdict](kv.Value)
		v.Revision, v.Envoy = names[0], names[1]
		return orNil(v, err)
	case notes:
		n, err := decode[ledger.Note](kv.Value)
		n.Filter, n.Node = names[0], names[1]
		return orNil(n, err)
	case replicas:
		p, err := decode[ledger.Presence](kv.Value)
		p.Replica = names[0]
		return orNil(p, err)
	case commands:
		c, err := decode[ledger.Command](kv.Value)
		c.ID = names[0]
		return orNil(c, err)
	case outcomes:
		o, err := decode[outcome](kv.Value)
		return orNil(ledger.CommandEnded{ID: names[0], Problem: o.Problem}, err)
	case freezes:
		h, err := decode[*rollout.Hold](kv.Value)
		return orNil(h, err)
	case elections:
		return string(kv.Value), nil
	}
	return nil, nil
}

func orNil[T any](value T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return value, nil
}

// takeContent takes the content of a revision. A record that came before its content comes again.
func (m *mirror) takeContent(filter, id string, value any) []ledger.Event {
	r, ok := value.(*snapshot.Revision)
	if !ok {
		return nil
	}
	if m.contents[filter] == nil {
		m.contents[filter] = map[string]*snapshot.Revision{}
	}
	m.contents[filter][id] = r
	if e, is := m.entries[m.keys.record(filter)]; is && e.value != nil && mentions(e.value.(ledger.Record), id) {
		return m.tell(e, false)
	}
	return nil
}

// drop takes the end of a key at a revision. silent: no event tells of it.
func (m *mirror) drop(key string, at int64, silent bool) []ledger.Event {
	e, is := m.entries[key]
	if !is {
		return nil
	}
	delete(m.entries, key)
	e.mod = at
	if e.what == contents {
		delete(m.contents[e.names[0]], e.names[1])
		if len(m.contents[e.names[0]]) == 0 {
			delete(m.contents, e.names[0])
		}
	}
	if silent && e.what != replicas && e.what != freezes {
		return nil
	}
	return m.tell(e, true)
}

// tell returns the events for an entry.
func (m *mirror) tell(e entry, gone bool) []ledger.Event {
	switch value := e.value.(type) {
	case ledger.Record:
		if gone {
			return []ledger.Event{ledger.RecordChanged{Record: ledger.Record{Filter: value.Filter, Mod: e.mod}, Gone: true}}
		}
		return []ledger.Event{ledger.RecordChanged{Record: value, Revisions: m.contentsOf(value)}}
	case ledger.Verdict:
		return []ledger.Event{ledger.VerdictChanged{Verdict: value, Gone: gone}}
	case ledger.Note:
		return []ledger.Event{ledger.NoteChanged{Note: value, Gone: gone}}
	case ledger.Presence:
		return []ledger.Event{ledger.PresenceChanged{Presence: value, Gone: gone}}
	case *rollout.Hold:
		if gone {
			value = nil
		}
		return []ledger.Event{ledger.FreezeChanged{Hold: value}}
	case ledger.CommandEnded:
		if !gone {
			return []ledger.Event{value}
		}
	}
	return nil // the connection tells of commands and of the election
}

// contentsOf are the known contents that a record names, in the record's order.
func (m *mirror) contentsOf(r ledger.Record) (all []*snapshot.Revision) {
	for _, id := range r.Contents() {
		if content := m.contents[r.Filter][id]; content != nil {
			all = append(all, content)
		}
	}
	return all
}

func mentions(r ledger.Record, id string) bool { return slices.Contains(r.Contents(), id) }

// apply takes the changes of a watch.
func (m *mirror) apply(event *mvccpb.Event) []ledger.Event {
	if event.Type == mvccpb.DELETE {
		return m.drop(string(event.Kv.Key), event.Kv.ModRevision, false)
	}
	return m.put(event.Kv)
}

// head is the leader by etcd's election: the key of the election that is there for longest. name is
// the replica; "": nobody leads.
func (m *mirror) head() (key, name string, term int64) {
	for k, e := range m.entries {
		if value, is := e.value.(string); is && e.what == elections && (term == 0 || e.create < term) {
			key, name, term = k, value, e.create
		}
	}
	return key, name, term
}

// pending are the commands that wait for the leader, the oldest first.
func (m *mirror) pending() (all []ledger.Command) {
	var waiting []entry
	for _, e := range m.entries {
		if _, is := e.value.(ledger.Command); is {
			waiting = append(waiting, e)
		}
	}
	slices.SortFunc(waiting, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.create, b.create), strings.Compare(a.names[0], b.names[0]))
	})
	for _, e := range waiting {
		all = append(all, e.value.(ledger.Command))
	}
	return all
}
