// Package bundled has the common parts of the sources of bundles, wherever the bundles lie.
//
// selection.go is pure and decides which bundle is in use. store.go is the disk with the last good
// bundle, for a restart, and reader.go brings a bundle to the disk and reads it.
package bundled

import (
	"fmt"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Version is one bundle, identified by its digest.
type Version struct {
	Digest    string // of the manifest
	Size      int64  // of the manifest, in bytes
	Entries   []bundle.Entry
	Documents bundle.Documents
}

// Found is the result of a look at the origin of bundles.
type Found struct {
	// Digest is the digest of the bundle, or "" if the look has no result.
	Digest string
	// Version is a new good bundle, or nil.
	Version *Version
	// Errs explain why there is no new good bundle. With a digest, the errors are final for the
	// digest. Without a digest, there is one error, and the error may pass.
	Errs []*spec.Error
	// After is the pause that the origin asks for. 0 means none.
	After time.Duration
}

// Selection determines the set. Its methods are pure.
type Selection struct {
	// Root begins the files of the specs, without the slash that follows.
	Root    string
	good    *Version
	before  *Version      // the previous good version; its files may still be in use
	refused string        // digest of the newest bundle, if the bundle is refused
	why     []*spec.Error // the errors of the refused bundle
	passing *spec.Error   // the error of the last look, if the look failed
	emitted view
}

// view has everything by which two sets differ.
type view struct {
	any     bool
	good    *Version
	refused string
	passing spec.Error
}

// Knows reports whether the result for a digest is known.
func (s *Selection) Knows(digest string) bool {
	return digest == s.refused || s.good != nil && digest == s.good.Digest
}

// Take applies the result of a look and returns the new set, or nil if the set has not changed.
func (s *Selection) Take(f Found) *source.Set {
	s.passing = nil
	switch {
	case f.Version != nil:
		s.good, s.before = f.Version, s.good
		s.refused, s.why = "", nil
	case f.Digest != "" && len(f.Errs) > 0:
		s.refused, s.why = f.Digest, f.Errs
	case len(f.Errs) > 0:
		s.passing = f.Errs[0]
	case s.good != nil && f.Digest == s.good.Digest:
		s.refused, s.why = "", nil // the good bundle is the newest again
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

// Passing returns the error of the last look, or nil if the look had a result.
func (s *Selection) Passing() *spec.Error { return s.passing }

// Problem returns why the newest bundle is not in use, or nil if it is in use.
func (s *Selection) Problem() error {
	if e := s.trouble(); e != nil {
		return e
	}
	return nil
}

func (s *Selection) trouble() *spec.Error {
	if s.passing == nil && s.refused != "" {
		return s.refusal()
	}
	return s.passing
}

func (s *Selection) set() source.Set {
	problem := s.trouble()
	if s.good == nil {
		return source.Set{Unavailable: problem}
	}
	set := source.Set{Specs: s.good.Documents.Specs, References: s.good.Documents.References, Degraded: problem}
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
func (s *Selection) refusal() *spec.Error {
	first := *s.why[0]
	plain := first
	plain.Hint = ""
	e := &spec.Error{Code: first.Code, Message: plain.Error(), Hint: first.Hint, Pos: spec.Position{File: s.Root}}
	if first.Code != CodeBroken {
		e.Code = CodeRefused
	}
	if len(s.why) > 1 {
		e.Message = fmt.Sprintf("the bundle has %d problems, the first: %s", len(s.why), e.Message)
	}
	if s.good != nil {
		e.Message += "; the last good one is served on: " + s.good.Digest
	}
	return e
}
