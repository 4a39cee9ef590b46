package rootid

import (
	"bytes"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
)

// The bounds of the candidates.
const (
	maximumRootIDs = 400
	maximumRootID  = 64 // bytes
)

// candidates are the empty id, the request's id, and the texts in the module's data, short ones
// first.
func candidates(module []byte, rootID string) []string {
	all := []string{"", rootID}
	for _, segment := range wasmbin.DataSegments(module) {
		for _, narrow := range [][]byte{segment, narrowed(segment)} {
			all = append(all, texts(narrow)...)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(a) - len(b) })
	unique := make([]string, 0, maximumRootIDs)
	for _, id := range all {
		if len(unique) < maximumRootIDs && !slices.Contains(unique, id) {
			unique = append(unique, id)
		}
	}
	return unique
}

// texts returns the possible root ids among the words of a segment.
func texts(segment []byte) []string {
	var all []string
	for word := range bytes.FieldsFuncSeq(segment, func(r rune) bool { return !isOfRootID(r) }) {
		if len(word) <= maximumRootID {
			all = append(all, string(word))
		}
	}
	return all
}

func isOfRootID(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return true
	default:
		return r == '_' || r == '-' || r == '.' || r == '/' || r == ':'
	}
}

// narrowed removes the second byte of each 16-bit character of a segment, and ends a text at a
// second byte other than zero.
func narrowed(segment []byte) []byte {
	out := make([]byte, 0, len(segment)/2)
	for i := 0; i+1 < len(segment); i += 2 {
		c := segment[i]
		if segment[i+1] != 0 {
			c = 0
		}
		out = append(out, c)
	}
	return out
}
