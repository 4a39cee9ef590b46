// Package terminal makes text from elsewhere fit to be shown: the names in a module, what
// a filter logs and what Envoys say are somebody else's.
package terminal

import (
	"strings"
	"unicode"
)

// Printable replaces what a terminal would take for a command from the text, line ends
// among them. Tabs stay.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
