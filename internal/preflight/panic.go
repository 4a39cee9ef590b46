package preflight

import (
	"regexp"
	"slices"
	"strings"
)

// A panic has a headline and a reason. Go writes them separately, and Rust on separate lines, so
// each becomes a line of the log.
var (
	panicBegins = regexp.MustCompile(`(?:^|\s)(?:panic|fatal error|panicked at [^:\s]+:\d+:\d+):\s*$`)
	wasmLog     = regexp.MustCompile(`(?i)^wasm log[^:]*: ?`)
)

// opensPanic reports whether a line is a panic's headline, with the reason on the next line.
func opensPanic(line string) bool { return panicBegins.MatchString(line) }

func isPanic(line string) bool {
	return strings.HasPrefix(line, "panic") || strings.HasPrefix(line, "fatal error")
}

// reasonIn returns the text of a line of Envoy's log that may continue a panic from the line
// before: a line of the same filter, or a line without Envoy's prefix.
func reasonIn(begun, line string) (text string, ok bool) {
	words := strings.TrimSpace(envoysPrefix.ReplaceAllString(line, ""))
	prefix := wasmLog.FindString(words)
	before := wasmLog.FindString(strings.TrimSpace(envoysPrefix.ReplaceAllString(begun, "")))
	bare := words == strings.TrimSpace(line)
	if words == "" || !bare && prefix != before || bare && prefix != "" && prefix != before {
		return "", false
	}
	return strings.TrimSpace(words[len(prefix):]), true
}

// mostRecent is the number of log lines that a failure quotes.
const mostRecent = 5

// remember keeps the callback's latest lines: a module often logs the reason of its trap.
func (h *host) remember(text string) {
	text = strings.TrimSpace(oneLine(text))
	n := len(h.recent)
	switch {
	case text == "":
		return
	case n > 0 && opensPanic(h.recent[n-1]):
		h.recent[n-1] += " " + text
		return
	case n == mostRecent && isPanic(h.recent[0]):
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
