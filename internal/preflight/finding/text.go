package finding

import (
	"strings"
)

// The bounds of text from a module in a message, in bytes.
const (
	maximumText   = 500 // of a quotation
	MaximumDetail = 300 // of a line of detail
)

// OneLine returns the beginning of a module's text on one line, without the terminal's control
// characters.
func OneLine(text string) string {
	text = strings.ToValidUTF8(text, "�")
	if len(text) > maximumText {
		text = strings.ToValidUTF8(text[:maximumText], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}

// ErrorDetail returns the lines of an error from the module's runtime, bounded in number and
// length.
func ErrorDetail(err error) []string {
	const mostLines = 12
	var detail []string
	for line := range strings.Lines(err.Error()) {
		line = strings.ToValidUTF8(strings.TrimSpace(line), "\uFFFD")
		if len(line) > MaximumDetail {
			line = line[:MaximumDetail] + "…"
		}
		if detail = append(detail, line); len(detail) == mostLines {
			break
		}
	}
	return detail
}
