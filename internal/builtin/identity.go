package builtin

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// A stand-in's ID has two parts. The first says what it does, of which filter and type, in which
// runtime: it holds for ever. The second follows from the module's bytes, so that other
// words are another revision, and reach the Envoys that run the former ones.
const (
	familyBytes = 4
	wordsBytes  = 2
)

// identified gives the revision its ID.
func identified(r *snapshot.Revision) *snapshot.Revision {
	words := sha256.Sum256(r.Code)
	r.ID = family(r) + hex.EncodeToString(words[:wordsBytes])
	return r
}

// family is the first part of the ID. Nothing may change in it, ever.
func family(r *snapshot.Revision) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{"stand-in 1", string(r.Policy), string(r.Type), r.VM.Runtime, r.Filter}, "\x00")))
	return hex.EncodeToString(sum[:familyBytes])
}

// Known is the stand-in that some release of wasm-xds has made for a filter under that ID; nil:
// none has. Its module is not known, as nobody can tell the words: it has no Code and no sha256.
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

// formerReasons are the words of the denies that releases made whose IDs follow from the words alone. Nothing
// may change in them, nor in the bytes of the modules for them.
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

// isFormer says whether such a release has made a stand-in of that kind with the revision's ID.
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

// formerID is the hash of all that reaches Envoy.
func formerID(r snapshot.Revision, module []byte) string {
	sum := sha256.Sum256(module)
	r.Module = snapshot.Module{SHA256: hex.EncodeToString(sum[:])}
	return r.Seal().ID
}
