package xds

import (
	"slices"

	"google.golang.org/grpc/mem"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// response is a response from delivery, with one or several resources.
type response struct {
	part
	others []part
	nonce  string
	more   bool // SotW: more responses follow at once
}

// part is one resource of a response.
type part struct {
	name     string
	held     held // SotW: the version once the response is accepted
	resource *Resource
}

// forgetResources drops the parts of a response that its answer does not need: resources may be
// large, and a delta client names the accepted versions itself.
func (r *response) forgetResources(delta bool) {
	r.resource = nil
	if delta {
		r.others = nil
	}
	for i := range r.others {
		r.others[i].resource = nil
	}
}

// fewResponses is the room for responses a stream keeps while there are none.
const fewResponses = 2

func shrink(list []response) []response {
	if len(list) == 0 && cap(list) > fewResponses {
		return nil
	}
	return list
}

// part is a resource on this stream.
func (s *stream) part(one delivery.Resource, resource *Resource) part {
	p := part{name: one.Name, resource: resource}
	if !s.delta {
		p.held = one.Version.Pack()
	}
	return p
}

// deliver takes a response from delivery. It goes out as soon as the client asks.
func (s *stream) deliver(r response) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = append(s.next, r)
	s.pass()
}

// goesOut takes the first response, which goes on the wire under this nonce; nil: there is none.
func (s *stream) goesOut(nonce string) (message mem.BufferSlice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.next) == 0 {
		return nil
	}
	r := s.next[0]
	if s.delta {
		message = r.deltaMessage(nonce)
	} else {
		message = r.sotwMessage(s.names.versionInfo(&r, &s.server.packs), nonce)
		s.watch = watch{}
	}
	r.nonce = nonce
	r.forgetResources(s.delta)
	s.sent = append(s.sent, r)
	s.next = shrink(slices.Delete(s.next, 0, 1))
	s.handed = max(0, s.handed-1)
	s.pass()
	return message
}
