// Package sourcetest has the common parts of the tests of sources.
package sourcetest

import (
	"strconv"

	"github.com/wasm-xds/wasm-xds/pkg/source"
)

// Describe describes a set in a few words: the number of its specs, and the codes of its
// problems.
func Describe(set source.Set) string {
	if set.Unavailable != nil {
		return "unavailable " + set.Unavailable.Code
	}
	text := strconv.Itoa(len(set.Specs)) + " specs"
	if set.Degraded != nil {
		text += ", degraded " + set.Degraded.Code
	}
	for i, e := range set.Errors {
		if i == 0 {
			text += ", errors "
		} else {
			text += ", "
		}
		of := e.Name
		if of == "" {
			of = "nobody"
		}
		text += e.Code + " of " + of
	}
	return text
}
