package preflight

import (
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/cause"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

// mostRecent is the number of log lines that a failure quotes.
const mostRecent = 5

// remember keeps the callback's latest lines: a module often logs the reason of its trap.
func (h *host) remember(text string) {
	text = strings.TrimSpace(finding.OneLine(text))
	n := len(h.recent)
	switch {
	case text == "":
		return
	case n > 0 && cause.OpensPanic(h.recent[n-1]):
		h.recent[n-1] += " " + text
		return
	case n == mostRecent && cause.IsPanic(h.recent[0]):
		h.recent = slices.Delete(h.recent, 1, 2) // the lines after a panic are only its stack trace
	case n == mostRecent:
		h.recent = h.recent[1:]
	}
	h.recent = append(h.recent, text)
}

// loggedDetail returns the log lines of the failed callback, one for each line of detail.
func (h *host) loggedDetail() []string {
	var detail []string
	for _, text := range h.recent {
		detail = append(detail, "it logged: "+text)
	}
	return detail
}
