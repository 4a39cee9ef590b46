package oci

import (
	"fmt"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// version is one bundle, identified by its digest.
type version struct {
	digest    string
	entries   []bundle.Entry
	documents bundle.Documents
}

// found is the result of a look at the registry.
type found struct {
	// digest is the digest of the bundle, or "" if the look has no result.
	digest string
	// version is a new good bundle, or nil.
	version *version
	// errs explain why there is no new good bundle. With a digest, the errors are final for the
	// digest. Without a digest, there is one error, and the error may pass.
	errs []*spec.Error
	// after is the pause that the registry asks for.
	after time.Duration
}

// selection determines the set. Its methods are pure.
type selection struct {
	root    string
	good    *version
	before  *version      // the previous good version; its files may still be in use
	refused string        // digest of the newest bundle, if the bundle is refused
	why     []*spec.Error // the errors of the refused bundle
	passing *spec.Error   // the error of the last look, if the look failed
	emitted view
}

// view has everything by which two sets differ.
type view struct {
	any     bool
	good    *version
	refused string
	passing spec.Error
}

// knows reports whether the result for a digest is known.
func (s *selection) knows(digest string) bool {
	return digest == s.refused || s.good != nil && digest == s.good.digest
}

// take applies the result of a look and returns the new set, or nil if the set has not changed.
func (s *selection) take(f found) *source.Set {
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
		s.refused, s.why = "", nil // the tag points to the good bundle again
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

// problem returns why the newest bundle is not in use, or nil if it is in use.
func (s *selection) problem() error {
	if e := s.trouble(); e != nil {
		return e
	}
	return nil
}

func (s *selection) trouble() *spec.Error {
	if s.passing == nil && s.refused != "" {
		return s.refusal()
	}
	return s.passing
}

func (s *selection) set() source.Set {
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
			// A refused bundle is not used, so its errors must not claim names.
			unnamed := *e
			unnamed.Name = ""
			e = &unnamed
		}
		set.Errors = append(set.Errors, e)
	}
	return set
}

// refusal describes the refused bundle in one error.
func (s *selection) refusal() *spec.Error {
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
