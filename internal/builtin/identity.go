package builtin

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// A stand-in's ID has two parts. The first part identifies the behaviour, filter, type and
// runtime, and never changes. The second part follows from the module's bytes. So a stand-in
// with new words is another revision, and reaches the Envoys that run the old words.
const (
	familyBytes = 4
	wordsBytes  = 2
)

// identified sets the ID of the revision and returns the revision.
func identified(r *snapshot.Revision) *snapshot.Revision {
	words := sha256.Sum256(r.Code)
	r.ID = family(r) + hex.EncodeToString(words[:wordsBytes])
	return r
}

// family returns the first part of the ID. This computation must never change.
func family(r *snapshot.Revision) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{"stand-in 1", string(r.Policy), string(r.Type), r.VM.Runtime, r.Filter}, "\x00")))
	return hex.EncodeToString(sum[:familyBytes])
}

// Known returns the stand-in that a release of wasm-xds made for a filter under this ID, or nil if
// no release made one. The words cannot be derived from the ID, so the revision has no Code and no
// sha256.
// See docs/RATIONALE.md#how-does-the-server-recognise-its-own-stand-ins.
func Known(filter, runtime, id string) *snapshot.Revision {
	for _, t := range []spec.Type{spec.HTTP, spec.Network} {
		for _, policy := range []spec.FailurePolicy{spec.Open, spec.Closed} {
			r := revision(filter, t, policy, runtime, nil)
			r.ID, r.Code, r.Module = id, nil, snapshot.Module{}
			if strings.HasPrefix(id, family(r)) || isFormer(*r) {
				return r
			}
		}
	}
	return nil
}

// formerReasons are the reasons of the denials from releases that derived the whole ID from the
// words. Neither the reasons nor the bytes of their modules may change.
var formerReasons = []string{
	"is denied: no spec has this name",
	"is denied: its spec was removed",
	"is of another type in its spec than this Envoy asks for",
	"is not for this Envoy: the spec's `nodes` selects others",
	"is not served: Envoy refused it and there is no earlier revision",
	"is not served: its spec has an error",
	"is not served yet: its module is being fetched",
	"is not served yet: it waits for its canary",
	"is not served: it does not load on this version of Envoy, and there is no earlier revision",
}

// isFormer reports whether the ID of r is the ID of a stand-in from one of these releases.
func isFormer(r snapshot.Revision) bool {
	if r.Policy == spec.Open {
		return formerID(r, passthroughModule()) == r.ID
	}
	for _, reason := range formerReasons {
		if formerID(r, denyModule(r.Filter, r.Type, reason)) == r.ID {
			return true
		}
	}
	return false
}

// formerID returns the ID of former releases: a hash of everything that reaches Envoy.
func formerID(r snapshot.Revision, module []byte) string {
	sum := sha256.Sum256(module)
	r.Module = snapshot.Module{SHA256: hex.EncodeToString(sum[:])}
	return r.Seal().ID
}
