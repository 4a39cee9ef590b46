package control

import (
	"github.com/wasm-xds/wasm-xds/internal/builtin"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// standInGeneration is how many stand-ins are made before unused older ones are dropped. Names
// come from Envoys. A stand-in costs a kilobyte and some microseconds.
const standInGeneration = 2000

// StandIns makes the stand-ins, and keeps those in frequent use. It belongs to one goroutine.
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

// Deny is the stand-in that denies all requests, with the reason.
func (s *StandIns) Deny(filter string, t spec.Type, reason, runtime string) *snapshot.Revision {
	return s.get(standInKey{filter, t, true, reason, runtime})
}

// Passthrough is the stand-in that lets all requests pass.
func (s *StandIns) Passthrough(filter string, t spec.Type, runtime string) *snapshot.Revision {
	return s.get(standInKey{filter, t, false, "", runtime})
}

// Known is the stand-in that a release made under the id; nil: no release did.
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
