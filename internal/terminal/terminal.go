// Package terminal makes foreign text safe for a terminal: names in a module, the log of a filter
// and messages of Envoys.
package terminal

import (
	"strings"
	"unicode"
)

// Printable replaces all control characters, including line ends, so the text cannot send
// commands to the terminal. Tabs stay.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
