package preflight

import (
	"regexp"
	"slices"
	"strings"
)

// A panic says what it is, and why. Go writes both apart, and Rust on lines of their own, so that
// each becomes a line of the log.
var (
	panicBegins = regexp.MustCompile(`(?:^|\s)(?:panic|fatal error|panicked at [^:\s]+:\d+:\d+):\s*$`)
	wasmLog     = regexp.MustCompile(`(?i)^wasm log[^:]*: ?`)
)

// opensPanic says that the reason of a panic is still to come, on the next line.
func opensPanic(line string) bool { return panicBegins.MatchString(line) }

func isPanic(line string) bool {
	return strings.HasPrefix(line, "panic") || strings.HasPrefix(line, "fatal error")
}

// reasonIn is the text of a line of Envoy's log that may go on with a panic that was begun by the
// line before: the same filter's, or one that Envoy has put nothing before.
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

// mostRecent is how many of the lines before a failure are told of it.
const mostRecent = 5

// remember keeps the last lines of the callback that runs: a module says in them why it traps.
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
		h.recent = slices.Delete(h.recent, 1, 2) // what comes after a panic is only where it was
	case n == mostRecent:
		h.recent = h.recent[1:]
	}
	h.recent = append(h.recent, text)
}

// loggedDetail is what the callback that failed has logged, a line for each.
func (h *host) loggedDetail() []string {
	var detail []string
	for _, text := range h.recent {
		detail = append(detail, "it logged: "+text)
	}
	return detail
}
