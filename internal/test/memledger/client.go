package memledger

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
)

var _ ledger.Ledger = (*Client)(nil)

var errUnreachable = errors.New("the ledger does not answer")

// Join connects a new client, which hears of everything that the store has. It campaigns for the
// lead at once.
func (s *Store) Join(name string) *Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &Client{store: s, name: name, at: len(s.log)}
	c.first = s.everything()
	c.connect()
	return c
}

// everything are the events about all that the store has.
func (s *Store) everything() (all []ledger.Event) {
	all = append(all, ledger.FreezeChanged{Hold: s.freeze})
	for _, name := range slices.Sorted(maps.Keys(s.records)) {
		all = append(all, s.changedRecord(s.records[name]))
	}
	for _, v := range sortedVerdicts(s.verdicts) {
		all = append(all, ledger.VerdictChanged{Verdict: v})
	}
	for _, name := range slices.Sorted(maps.Keys(s.present)) {
		all = append(all, ledger.PresenceChanged{Presence: s.present[name]})
	}
	for _, n := range s.allNotes() {
		all = append(all, ledger.NoteChanged{Note: n})
	}
	if l := s.leader(); l != nil {
		all = append(all, ledger.Led{Leader: l.name})
	}
	for _, id := range slices.Sorted(maps.Keys(s.commands)) {
		all = append(all, ledger.CommandCame{Command: s.commands[id]})
	}
	return all
}

// Connect connects a client again, with a new lease if the last has expired.
func (c *Client) Connect() {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	if !c.connected || !c.leased {
		c.connect()
	}
}

// Resume connects a client of a paused process that goes on. It may have lost its lease, and knows
// nothing of that yet.
func (c *Client) Resume() {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	c.connected = !c.cut
}

func (c *Client) connect() {
	s := c.store
	c.connected, c.cut = true, false
	s.tell(entry{event: ledger.Reached{OK: true}, to: c})
	before := s.leader()
	if !c.leased {
		c.leased = true
		s.queue = append(s.queue, c)
	}
	s.elect(before)
	if c.presence != nil {
		s.report(*c.presence)
	}
	later := c.later
	c.later = nil
	for _, write := range later {
		write()
	}
}

// Disconnect cuts the client off. Its lease goes on until [Client.Expire].
func (c *Client) Disconnect() {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	c.connected, c.cut = false, true
	// The client notices by itself.
	c.first = append(c.first, ledger.Reached{Why: errUnreachable.Error()})
}

// Expire ends the client's lease. If it is connected, it gets another one with [Client.Connect].
func (c *Client) Expire() {
	s := c.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if !c.leased {
		return
	}
	before := s.leader()
	c.leased, c.connected, c.term = false, false, 0
	s.queue = slices.DeleteFunc(s.queue, func(o *Client) bool { return o == c })
	s.leave(c.name)
	s.elect(before)
}

// IsConnected says whether the client is connected, and IsLeased whether it has a lease.
func (c *Client) IsConnected() bool {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	return c.connected
}

// IsLeased says whether the client has a lease.
func (c *Client) IsLeased() bool {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	return c.leased
}

// Next is the next event for the client; false: there is none yet, or the client is not connected.
func (c *Client) Next() (ledger.Event, bool) {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	return c.next()
}

func (c *Client) next() (ledger.Event, bool) {
	if len(c.first) > 0 {
		e := c.first[0]
		c.first = c.first[1:]
		return e, true
	}
	for c.connected && c.at < len(c.store.log) {
		one := c.store.log[c.at]
		c.at++
		switch {
		case one.to != nil && one.to != c:
		case one.lead == nil:
			return one.event, true
		case one.lead.name == c.name:
			return ledger.Led{Term: one.lead.term, Leader: c.name}, true
		default:
			return ledger.Led{Leader: one.lead.name}, true
		}
	}
	return nil, false
}

// Run tells the events as they come.
func (c *Client) Run(ctx context.Context, tell func(ledger.Event)) error {
	for {
		c.store.mu.Lock()
		e, is := c.next()
		changed := c.store.changed
		c.store.mu.Unlock()
		if is {
			tell(e)
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Propose implements [ledger.Ledger]. A client without connection is told that nothing was written.
func (c *Client) Propose(p ledger.Proposal) {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	if !c.connected || !c.store.propose(p) {
		c.store.tell(entry{event: ledger.Unchanged{Filter: p.Record.Filter}, to: c})
	}
}

// once calls write now, or when the client is connected.
func (c *Client) once(write func()) {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	if c.connected {
		write()
	} else {
		c.later = append(c.later, write)
	}
}

// Judge implements [ledger.Ledger].
func (c *Client) Judge(v ledger.Verdict, candidate bool) {
	c.once(func() { c.store.judge(v, candidate) })
}

// Note implements [ledger.Ledger]. It does not wait.
func (c *Client) Note(_ context.Context, notes []ledger.Note) error {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	if !c.connected {
		return errUnreachable
	}
	return c.store.note(notes)
}

// Lose implements [ledger.Ledger].
func (c *Client) Lose(n ledger.Note) { c.once(func() { c.store.put(n) }) }

// Settle implements [ledger.Ledger].
func (c *Client) Settle(notes []ledger.Note) {
	c.once(func() {
		for _, n := range notes {
			c.store.settle(n)
		}
	})
}

// Report implements [ledger.Ledger].
func (c *Client) Report(p ledger.Presence) {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	c.presence = &p
	if c.connected {
		c.store.report(p)
	}
}

// Ask implements [ledger.Ledger].
func (c *Client) Ask(command ledger.Command) {
	c.once(func() {
		c.store.next()
		c.store.commands[command.ID] = command
		c.store.tellAll(ledger.CommandCame{Command: command})
	})
}

// Freeze implements [ledger.Ledger].
func (c *Client) Freeze(term int64, h *rollout.Hold, done string) {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	if s := c.store; c.connected && s.isLeader(term) {
		s.next()
		s.freeze = h
		delete(s.commands, done)
		s.tellAll(ledger.FreezeChanged{Hold: h})
		s.tellAll(ledger.CommandEnded{ID: done})
	}
}
