package delivery

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// response is what an Envoy gets, and answers, as one: a resource, or several of which none
// will be refused as far as anybody knows.
type response struct {
	pushes []push
	one    [1]push // where pushes is, until there are more
	at     time.Time
	class  int
	shares bool // others may be in it
	alone  bool // nothing else may be outstanding on its stream
	late   bool // no answer within Config.AckWait
	more   bool // SotW: it says that others follow
}

// push is one resource of a response.
type push struct {
	u       *sub
	rev     *snapshot.Revision
	version Version
	replay  bool
	// unproven: no Envoy of the version had loaded the revision when it was sent.
	unproven bool
}

func (p *push) resource() Resource {
	return Resource{Name: p.u.f.name, Revision: p.rev, Version: p.version}
}

// weight is what a push adds to what is outstanding: loads, and bytes of modules. What an Envoy
// runs it does not load again; the bytes that it compares are those on the wire.
func (p *push) weight() (loads int, bytes int64) {
	switch {
	case !p.replay:
		return 1, p.rev.Module.Size
	case p.version.Variant == Inline:
		return 0, p.rev.Module.Size
	default:
		return 0, 0
	}
}

// sharedMost bounds the resources of a response.
const sharedMost = 1000

// mayShare says whether nothing but a surprise would refuse the push, which need not be
// alone: then it may be in a response with others. One that is refused is a verdict on none of
// them, and Envoy may have taken some. In delta it does not say so when it comes back: it names
// the version before. Only of who had none is nothing wrong believed then, also by a server that knows
// nothing of the refusal. A SotW client gets everything again.
func (m *Machine) mayShare(u *sub, c choice) bool {
	switch r := c.revision; {
	case u.s.singly || u.dirty || u.s.delta && !u.bare() || m.mustBeAlone(u, c):
		return false
	case u.replays(r):
		return true
	case r.BuiltIn:
		return !u.bare() // else nobody knows whether the Envoy asks for that type
	default:
		return m.variant(u, r) == Inline || u.s.readsFiles
	}
}

// replays says whether the very bytes that the Envoy has accepted do.
func (u *sub) replays(r *snapshot.Revision) bool { return u.replay && u.runs(r) && !u.dirty }

// sharedRefused takes the NACK of a response of several. Any of them may be the one that was refused,
// whatever the message says, and what came after it has not been looked at: each is sent again alone.
func (m *Machine) sharedRefused(s *stream, r *response, message string) {
	s.singly = true
	for i := range r.pushes {
		p := &r.pushes[i]
		u := p.u
		message = withoutSecrets(message, p.rev)
		m.nextSalt(p)
		u.dirty = true
		if p.replay && !u.closed {
			// The Envoy may have lost its config: then it runs nothing.
			u.replay = false
			u.setAccepted(Version{}, nil)
		}
		m.change(u.f)
	}
	p := &r.pushes[0]
	m.actions = append(m.actions, WasRefused{
		Name: p.u.f.name, Node: s.node.ID, Revision: p.rev.ID, Variant: p.version.Variant, Message: shorten(message), Others: len(r.pushes) - 1,
	})
}

// newResponse adds a response to what is outstanding on the stream.
func (m *Machine) newResponse(s *stream) *response {
	r := &response{}
	if last := len(m.free) - 1; last >= 0 {
		r, m.free = m.free[last], m.free[:last]
	}
	r.pushes, r.at = r.one[:0], m.now
	s.outstanding = append(s.outstanding, r)
	return r
}

// add puts a push into a response.
func (m *Machine) add(r *response, p push) {
	if len(r.pushes) == len(r.one) && cap(r.pushes) == len(r.one) {
		var room []push
		if last := len(m.rooms) - 1; last >= 0 {
			room, m.rooms = m.rooms[last], m.rooms[:last]
		} else {
			room = make([]push, 0, m.cfg.Window)
		}
		r.pushes = append(room, r.pushes...)
	}
	r.pushes = append(r.pushes, p)
}

// reuse takes a response back, of which nothing is kept.
func (m *Machine) reuse(r *response) {
	if cap(r.pushes) > len(r.one) && cap(r.pushes) <= 2*m.cfg.Window && len(m.rooms) < fewRooms {
		clear(r.pushes)
		m.rooms = append(m.rooms, r.pushes[:0])
	}
	if len(m.free) < fewKeys {
		*r = response{}
		m.free = append(m.free, r)
	}
}

// fewRooms is how many of the rooms for many pushes are kept.
const fewRooms = 8

// fewOutstanding is the room that a stream keeps for responses while none is outstanding.
const fewOutstanding = 4

// find says where in the response a name is; less than 0: it is not there.
func (r *response) find(name string) int {
	return slices.IndexFunc(r.pushes, func(p push) bool { return p.u.f.name == name })
}

// findOutstanding says where the response with that name is; less than 0: none is outstanding.
func (s *stream) findOutstanding(name string) int {
	return slices.IndexFunc(s.outstanding, func(r *response) bool { return r.find(name) >= 0 })
}

// isSharing says whether a response is outstanding that others may share.
func (s *stream) isSharing() bool {
	return slices.ContainsFunc(s.outstanding, func(r *response) bool { return r.shares })
}

// takeResponse takes the response with that name off the stream; nil: there is none.
func (m *Machine) takeResponse(s *stream, name string) *response {
	at := s.findOutstanding(name)
	if at < 0 {
		return nil
	}
	r := s.outstanding[at]
	s.outstanding = slices.Delete(s.outstanding, at, at+1)
	if len(s.outstanding) == 0 && cap(s.outstanding) > fewOutstanding {
		s.outstanding = nil
	}
	if r.late {
		s.late--
	}
	for i := range r.pushes {
		m.arrives(s, &r.pushes[i])
	}
	if r.shares {
		m.release(s)
	}
	return r
}

// arrives says that a push is not outstanding any more.
func (m *Machine) arrives(s *stream, p *push) {
	loads, bytes := p.weight()
	s.loads -= loads
	s.bytes -= bytes
	s.full = s.full && s.loads > m.cfg.Window/2
	p.u.awaited = false
}

// takePush takes a name alone off the stream, and leaves what shares its response.
func (m *Machine) takePush(s *stream, name string) (push, bool) {
	there := s.findOutstanding(name)
	if there < 0 {
		return push{}, false
	}
	r := s.outstanding[there]
	at := r.find(name)
	p := r.pushes[at]
	if len(r.pushes) == 1 {
		m.reuse(m.takeResponse(s, name))
		return p, true
	}
	r.pushes = slices.Delete(r.pushes, at, at+1)
	m.arrives(s, &p)
	return p, true
}
