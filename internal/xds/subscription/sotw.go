package subscription

import (
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// SotW is the subscription of a SotW stream. The zero value has no names. Not safe for concurrent
// use.
type SotW struct {
	list     *List             // of the last request; nil: no names
	accepted []delivery.Packed // the version of each name of list; the zero value: none
	proposed []Pushed          // the unanswered response; nil: none
}

// Request takes the names of a request. The results are the changes since the former request.
// versionInfo is the version_info of a stream's first request, else "". A request with the very
// list of the former request changes nothing.
func (s *SotW) Request(l *List, versionInfo string) (subscribe []delivery.Subscription, unsubscribe []string) {
	if l == s.list {
		return nil, nil
	}
	before, versionsBefore := s.list.all(), s.accepted
	names := l.all()
	s.list, s.accepted = l, make([]delivery.Packed, len(names))
	var brought map[string]string
	if versionInfo != "" {
		brought = ParseVersionInfo(versionInfo, names.values())
	}
	if len(before) == 0 {
		if anew := l.forNew(); anew != nil && len(brought) == 0 {
			return anew, nil
		}
		subscribe = make([]delivery.Subscription, 0, len(names))
	}
	for i, one := range names {
		name := one.Value()
		if at, there := before.find(name); there {
			s.accepted[i] = versionsBefore[at]
			continue
		}
		version := brought[name]
		if version != "" {
			s.accepted[i] = packedVersion(version)
		}
		// The client may have lost its config with a listener while it was away, and does not tell.
		// The same bytes again bring the config back, and are ignored otherwise.
		subscribe = append(subscribe, delivery.Subscription{Name: name, Accepted: version, Replay: version != ""})
	}
	for _, one := range before {
		if _, there := names.find(one.Value()); !there {
			unsubscribe = append(unsubscribe, one.Value())
		}
	}
	return subscribe, unsubscribe
}

// Propose takes a response that goes out now, and returns the response's version_info. A client
// brings back the version_info of the last accepted response, on its next stream too. So the
// version_info has the versions that the client will have accepted with the response. more says
// that further responses follow at once. Propose keeps and changes pushed.
func (s *SotW) Propose(pushed []Pushed, more bool, known *Packs) []byte {
	s.proposed = pushed
	names := s.list.all()
	few := len(names) <= fewNames
	if more && !few {
		return []byte(packMark)
	}
	then := versions{names: names, accepted: s.accepted, further: s.swap()}
	defer s.swap()
	switch {
	case few:
		return then.list()
	case len(then.further) > 0 || slices.Contains(then.accepted, delivery.Packed{}):
		return then.pack()
	default:
		return known.of(then)
	}
}

// Accept takes over the proposed versions: the client has accepted the response.
func (s *SotW) Accept() {
	s.swap()
	s.proposed = nil
}

// Refuse drops the proposed versions: the client has refused the response.
func (s *SotW) Refuse() { s.proposed = nil }

// swap exchanges the proposed versions with the accepted versions. Names that were unsubscribed
// meanwhile keep their proposed versions, and are the result.
func (s *SotW) swap() (gone []Pushed) {
	names, at := s.list.all(), 0
	for i := range s.proposed {
		one := &s.proposed[i]
		if at >= len(names) || names[at].Value() != one.Name { // most responses have the order of the names
			found, there := names.find(one.Name)
			if !there {
				gone = append(gone, *one)
				continue
			}
			at = found
		}
		s.accepted[at], one.Version = one.Version, s.accepted[at]
		at++
	}
	return gone
}
