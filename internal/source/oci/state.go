package oci

import (
	"fmt"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// version is a bundle of one digest.
type version struct {
	digest    string
	entries   []bundle.Entry
	documents bundle.Documents
}

// found is what a look at the registry has found.
type found struct {
	// digest is the bundle's; "" where nothing can be said about it.
	digest string
	// version is a bundle that was not known before.
	version *version
	// errs are why there is none. With a digest, it stays so for that digest;
	// without, it may pass, and there is one.
	errs []*spec.Error
	// after is how long the registry wants to be left alone.
	after time.Duration
}

// state is what the set depends on; all that it does is pure.
type state struct {
	root    string
	good    *version
	before  *version      // the good one before that, which may be being read still
	refused string        // the digest of the newest bundle, where it is not good
	why     []*spec.Error // what is wrong with that
	passing *spec.Error   // why the last look told nothing
	emitted view
}

// view is what tells two sets apart.
type view struct {
	any     bool
	good    *version
	refused string
	passing spec.Error
}

// knows says whether it is known already what becomes of a digest.
func (s *state) knows(digest string) bool {
	return digest == s.refused || s.good != nil && digest == s.good.digest
}

// take takes what a look has found, and gives the set that follows; nil: the last
// one holds.
func (s *state) take(f found) *source.Set {
	s.passing = nil
	switch {
	case f.version != nil:
		s.good, s.before = f.version, s.good
		s.refused, s.why = "", nil
	case f.digest != "" && len(f.errs) > 0:
		s.refused, s.why = f.digest, f.errs
	case len(f.errs) > 0:
		s.passing = f.errs[0]
	case s.good != nil && f.digest == s.good.digest:
		s.refused, s.why = "", nil // the tag has gone back to it
	}
	now := view{any: true, good: s.good, refused: s.refused}
	if s.passing != nil {
		now.passing = *s.passing
	}
	if now == s.emitted {
		return nil
	}
	s.emitted = now
	set := s.set()
	return &set
}

// problem is why the newest bundle is not what is served; nil: it is.
func (s *state) problem() error {
	if e := s.trouble(); e != nil {
		return e
	}
	return nil
}

func (s *state) trouble() *spec.Error {
	if s.passing == nil && s.refused != "" {
		return s.refusal()
	}
	return s.passing
}

func (s *state) set() source.Set {
	problem := s.trouble()
	if s.good == nil {
		return source.Set{Unavailable: problem}
	}
	set := source.Set{Specs: s.good.documents.Specs, References: s.good.documents.References, Degraded: problem}
	names := map[string]struct{}{}
	for _, one := range set.Specs {
		names[one.Name] = struct{}{}
	}
	for _, e := range s.why {
		if _, ok := names[e.Name]; !ok && e.Name != "" {
			// Nothing of a refused bundle is taken: it claims no names.
			unnamed := *e
			unnamed.Name = ""
			e = &unnamed
		}
		set.Errors = append(set.Errors, e)
	}
	return set
}

// refusal says that the newest bundle is not taken, in one error.
func (s *state) refusal() *spec.Error {
	first := *s.why[0]
	plain := first
	plain.Hint = ""
	e := &spec.Error{Code: first.Code, Message: plain.Error(), Hint: first.Hint, Pos: spec.Position{File: s.root}}
	if first.Code != CodeBroken {
		e.Code = CodeRefused
	}
	if len(s.why) > 1 {
		e.Message = fmt.Sprintf("the bundle has %d problems, the first: %s", len(s.why), e.Message)
	}
	if s.good != nil {
		e.Message += "; the last good one is served on: " + s.good.digest
	}
	return e
}
