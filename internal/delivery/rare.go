package delivery

import (
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// rare has the facts that are rarely known of a subscriber, for as long as they matter. Most of the
// many subscribers have none of them, and no memory for them. The zero value has none.
type rare struct{ facts *facts }

type facts struct {
	problem *Problem
	timer   time.Time
	fetch   *fetch // a remote delivery under way; nil: none
	// refused are the revisions this Envoy refused on this stream; nil: none.
	refused map[string]*Problem
	// expects is the type the Envoy asks for, learnt from a NACK; "": not known.
	expects spec.Type
	// noRemote is the sha256 of a module this Envoy could not fetch, and noFile of a module with a
	// file this Envoy could not read. The code goes inline.
	noRemote, noFile string
	// noGET is the token of a remote push without a GET, until the inline push is answered.
	noGET    string
	fellBack *Problem // the reason for inline code; shown while the revision runs
	barred   bool     // the client may not have the filter, see [Node.Access]
}

// get is for reading.
func (r rare) get() facts {
	if r.facts == nil {
		return facts{}
	}
	return *r.facts
}

// note is for writing.
func (r *rare) note() *facts {
	if r.facts == nil {
		r.facts = &facts{}
	}
	return r.facts
}

// tidy frees the memory when nothing rare is known any more.
func (r *rare) tidy() {
	if f := r.facts; f != nil && f.problem == nil && f.timer.IsZero() && f.fetch == nil && len(f.refused) == 0 &&
		f.expects == "" && f.noRemote == "" && f.noFile == "" && f.noGET == "" && f.fellBack == nil && !f.barred {
		r.facts = nil
	}
}

// hasRare says whether a rare fact is known, or was until lately.
func (r rare) hasRare() bool { return r.facts != nil }

func (r rare) problem() *Problem {
	if r.facts == nil {
		return nil
	}
	return r.facts.problem
}

func (r *rare) setProblem(p *Problem) {
	if p != nil || r.facts != nil {
		r.note().problem = p
	}
}

// setTimer notes the last timer, and says whether the timer is another than before.
func (r *rare) setTimer(at time.Time) bool {
	if r.get().timer.Equal(at) {
		return false // already set: a subscriber that is looked at often sets one timer
	}
	r.note().timer = at
	return true
}

// timerRang notes that the timer of that time is over.
func (r *rare) timerRang(at time.Time) {
	if f := r.facts; f != nil && f.timer.Equal(at) {
		f.timer = time.Time{}
	}
}

func (r rare) fetch() *fetch {
	if r.facts == nil {
		return nil
	}
	return r.facts.fetch
}

func (r *rare) setFetch(f *fetch) {
	if f != nil || r.facts != nil {
		r.note().fetch = f
	}
}

// refusal is why this Envoy refused a revision; nil: not refused.
func (r rare) refusal(revision string) *Problem {
	if r.facts == nil {
		return nil
	}
	return r.facts.refused[revision]
}

// refuse notes that this Envoy does not take a revision.
func (r *rare) refuse(revision string, p *Problem) {
	f := r.note()
	if f.refused == nil {
		f.refused = map[string]*Problem{}
	}
	f.refused[revision] = p
}

// dropRefusals drops refusals, and says whether it dropped any.
func (r *rare) dropRefusals(which func(revision string, p *Problem) bool) (dropped bool) {
	for id, p := range r.get().refused {
		if which(id, p) {
			delete(r.facts.refused, id)
			dropped = true
		}
	}
	return dropped
}

func (r rare) expects() spec.Type {
	if r.facts == nil {
		return ""
	}
	return r.facts.expects
}

func (r *rare) expect(t spec.Type) { r.note().expects = t }

// takesRemote and takesFile say whether a module may go in that way, and setNoRemote and setNoFile
// that it may not any more.
func (r rare) takesRemote(sha256 string) bool { return r.get().noRemote != sha256 }
func (r rare) takesFile(sha256 string) bool   { return r.get().noFile != sha256 }
func (r *rare) setNoRemote(sha256 string)     { r.note().noRemote = sha256 }
func (r *rare) setNoFile(sha256 string)       { r.note().noFile = sha256 }

// setNoGET notes that no GET came for the push with the token.
func (r *rare) setNoGET(token string) { r.note().noGET = token }

// takeNoGET is the token of a push without a GET, and is told once; "": none.
func (r *rare) takeNoGET() string {
	token := r.get().noGET
	if token != "" {
		r.facts.noGET = ""
	}
	return token
}

// isBarred says whether the client may not have the filter.
func (r rare) isBarred() bool { return r.facts != nil && r.facts.barred }

// setBarred says whether the client may not have the filter, and whether that is news.
func (r *rare) setBarred(barred bool) (news bool) {
	if r.isBarred() == barred {
		return false
	}
	r.note().barred = barred
	return true
}

// setFellBack notes the reason for inline code.
func (r *rare) setFellBack(p *Problem) { r.note().fellBack = p }

// fallBack is the reason for the inline code of a revision; nil: none.
func (r rare) fallBack(revision string) *Problem {
	if p := r.get().fellBack; p != nil && p.Revision == revision {
		return p
	}
	return nil
}
