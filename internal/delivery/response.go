package delivery

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// response is sent and answered as a whole: one resource, or several of which none will be refused,
// as far as is known.
type response struct {
	pushes []push
	one    [1]push // the memory of pushes while there is at most one push
	at     time.Time
	class  int
	shares bool // more pushes may join the response
	alone  bool // nothing else may be outstanding on the stream
	late   bool // no answer within Config.AckWait
	more   bool // SotW: the response says that more responses follow
}

// push is one resource of a response.
type push struct {
	u       *sub
	rev     *snapshot.Revision
	version Version
	replay  bool
	// unproven: no Envoy of the version had loaded the revision when the push was made.
	unproven bool
}

func (p *push) resource() Resource {
	return Resource{Name: p.u.f.name, Revision: p.rev, Version: p.version}
}

// weight is a push's part of the window: loads, and bytes of modules. Envoy does not load a running
// revision again, but compares the bytes on the wire.
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

// mayShare says whether the push may share a response, which is so if only a surprise would refuse
// it. The NACK of a shared response is a verdict on none of the resources, and Envoy may have taken
// some of them. In delta an Envoy does not tell which: it names the version before on its next
// stream, so only subscribers that run nothing share a response. Even a server that does not know
// of the NACK then believes nothing wrong. A SotW client gets everything again.
// See docs/RATIONALE.md#when-may-a-response-have-several-resources.
func (m *Machine) mayShare(u *sub, c choice) bool {
	switch r := c.revision; {
	case u.s.singly || u.dirty || u.s.delta && !u.bare() || m.mustBeAlone(u, c):
		return false
	case u.replays(r):
		return true
	case r.BuiltIn:
		return !u.bare() // the type the Envoy asks for is not known yet
	default:
		return m.variant(u, r) == Inline || u.s.readsFiles
	}
}

// replays says whether the very bytes the Envoy has accepted may be sent.
func (u *sub) replays(r *snapshot.Revision) bool { return u.replay && u.runs(r) && !u.dirty }

// sharedRefused handles the NACK of a shared response. Envoy may have refused any of the resources,
// whatever the message says, and has not looked at the later ones: each is sent again alone.
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

// newResponse adds a response to the outstanding responses of the stream.
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

// reuse takes back a response that is not needed any more.
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

// fewRooms bounds the lists of pushes kept for another use.
const fewRooms = 8

// fewOutstanding is the room for responses a stream keeps while none is outstanding.
const fewOutstanding = 4

// find is the place of a name in the response; less than 0: not there.
func (r *response) find(name string) int {
	return slices.IndexFunc(r.pushes, func(p push) bool { return p.u.f.name == name })
}

// findOutstanding is the place of the response with the name; less than 0: none is outstanding.
func (s *stream) findOutstanding(name string) int {
	return slices.IndexFunc(s.outstanding, func(r *response) bool { return r.find(name) >= 0 })
}

// isSharing says whether a shared response is outstanding.
func (s *stream) isSharing() bool {
	return slices.ContainsFunc(s.outstanding, func(r *response) bool { return r.shares })
}

// takeResponse takes the response with the name off the stream; nil: there is none.
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

// arrives notes that a push is not outstanding any more.
func (m *Machine) arrives(s *stream, p *push) {
	loads, bytes := p.weight()
	s.loads -= loads
	s.bytes -= bytes
	s.full = s.full && s.loads > m.cfg.Window/2
	p.u.awaited = false
}

// takePush takes a single name off the stream. The other pushes of the response stay.
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
