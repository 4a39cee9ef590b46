package builtin

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bytes of a name and of a reason that are shown. These limits bound the module's size, too.
const (
	maxNameBytes   = 128
	maxReasonBytes = 512
)

// explain returns the line that a refused request gets.
func explain(filter, reason string) string {
	name := clean(filter, maxNameBytes)
	return `wasm-xds: filter "` + name + `" ` + clean(reason, maxReasonBytes) +
		"; run: wasm-xds status " + name
}

// clean turns s into one line of printable UTF-8, with at most limit bytes of s and a mark where s
// was cut off. A reason may quote output of a module, so the text is not safe to show unchanged.
func clean(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			return ' '
		case !unicode.IsPrint(r):
			return utf8.RuneError
		default:
			return r
		}
	}, s)
	s = strings.TrimSpace(s)
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}
