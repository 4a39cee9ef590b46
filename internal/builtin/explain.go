package builtin

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// What of a name and a reason is shown, in bytes. It bounds the module too.
const (
	maxNameBytes   = 128
	maxReasonBytes = 512
)

// explain is the line that a refused request gets.
func explain(filter, reason string) string {
	name := clean(filter, maxNameBytes)
	return `wasm-xds: filter "` + name + `" ` + clean(reason, maxReasonBytes) +
		"; run: wasm-xds status " + name
}

// clean makes one line of printable UTF-8 of s, at most limit bytes of it and a
// mark where something was cut off. A reason may quote what a module wrote, so
// it is nothing to show as it is.
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
