package control

import (
	"github.com/wasm-xds/wasm-xds/internal/builtin"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// standInGeneration is how many stand-ins are made before those are dropped that were not
// asked for meanwhile. Names come from Envoys. One costs a kilobyte and some microseconds.
const standInGeneration = 2000

// StandIns makes the built-in filters, and keeps those that are asked for again and again. It
// belongs to one goroutine.
type StandIns struct {
	made, former map[standInKey]*snapshot.Revision
}

type standInKey struct {
	filter  string
	t       spec.Type
	deny    bool
	reason  string
	runtime string
}

// NewStandIns makes an empty set.
func NewStandIns() *StandIns { return &StandIns{made: map[standInKey]*snapshot.Revision{}} }

// Deny is the stand-in that refuses everything and says why.
func (s *StandIns) Deny(filter string, t spec.Type, reason, runtime string) *snapshot.Revision {
	return s.get(standInKey{filter, t, true, reason, runtime})
}

// Passthrough is the stand-in that lets everything pass.
func (s *StandIns) Passthrough(filter string, t spec.Type, runtime string) *snapshot.Revision {
	return s.get(standInKey{filter, t, false, "", runtime})
}

// Known is the stand-in that some release made under that ID; nil: none did.
func (*StandIns) Known(filter, runtime, id string) *snapshot.Revision {
	return builtin.Known(filter, runtime, id)
}

func (s *StandIns) get(key standInKey) *snapshot.Revision {
	r := s.made[key]
	if r != nil {
		return r
	}
	if r = s.former[key]; r == nil {
		r = makeStandIn(key)
	}
	if len(s.made) >= standInGeneration {
		s.made, s.former = map[standInKey]*snapshot.Revision{}, s.made
	}
	s.made[key] = r
	return r
}

func makeStandIn(key standInKey) *snapshot.Revision {
	if key.deny {
		return builtin.Deny(key.filter, key.t, key.reason, key.runtime)
	}
	return builtin.Passthrough(key.filter, key.t, key.runtime)
}
