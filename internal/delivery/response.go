package delivery

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// sharedMost bounds the resources of a response.
const sharedMost = 1000

func (p *push) resource() Resource {
	return Resource{Name: p.u.f.name, Revision: p.rev, Version: p.version}
}

// key names the verdict that the answer to the push is.
func (p *push) key() verdict.Key {
	return verdict.Key{Revision: p.rev.ID, Envoy: p.u.s.node.Version}
}

// weight is the push's part of the window.
func (p *push) weight() weight { return weigh(p.rev, p.version.Variant, p.replay) }

// isTrial says whether the push sends a revision that is still unproven. The rollout may have
// stopped since the push: the Envoy loads the revision all the same, and may crash of it.
func (p *push) isTrial() bool {
	return p.unproven && !p.u.f.verdicts.Proven(p.rev, p.u.s.node.Version)
}

// find is the place of a name in the response; less than 0: not there.
func (r *response) find(name string) int {
	return slices.IndexFunc(r.pushes, func(p push) bool { return p.u.f.name == name })
}

// has says whether the response has rev for the subscriber.
func (r *response) has(u *sub, rev *snapshot.Revision) bool {
	return slices.ContainsFunc(r.pushes, func(p push) bool { return p.u == u && p.rev.ID == rev.ID })
}

// begin begins an empty response.
func (r *response) begin(now time.Time, c class, shares bool) {
	r.pushes = r.one[:0]
	r.at, r.class, r.shares = now, c, shares
}

// setAlone says whether nothing else may be outstanding on the stream.
func (r *response) setAlone(is bool) { r.alone = is }

// takes says whether another push of that class may join the response; a nil response takes none.
func (r *response) takes(c class) bool {
	return r != nil && r.class == c && len(r.pushes) < sharedMost
}

// pool has the memory of responses that were answered.
type pool struct {
	window    int // Config.Window
	responses spares[*response]
	rooms     spares[[]push]
}

// fewRooms bounds the lists of pushes kept for another use.
const fewRooms = 8

// take is a response that has not begun.
func (l *pool) take() *response {
	if r, is := l.responses.take(); is {
		return r
	}
	return &response{}
}

// add puts a push into a response.
func (l *pool) add(r *response, p push) {
	if len(r.pushes) == len(r.one) && cap(r.pushes) == len(r.one) {
		room, is := l.rooms.take()
		if !is {
			room = make([]push, 0, l.window)
		}
		r.pushes = append(room, r.pushes...)
	}
	r.pushes = append(r.pushes, p)
}

// recycle takes back a response that is not needed any more.
func (l *pool) recycle(r *response) {
	if cap(r.pushes) > len(r.one) && cap(r.pushes) <= 2*l.window {
		clear(r.pushes)
		l.rooms.give(r.pushes[:0], fewRooms)
	}
	*r = response{}
	l.responses.give(r, fewKeys)
}
