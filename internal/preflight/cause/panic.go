package cause

import (
	"regexp"
	"strings"
)

// A panic has a headline and a reason. Go writes them separately, and Rust on separate lines, so
// each becomes a line of the log.
var (
	panicBegins = regexp.MustCompile(`(?:^|\s)(?:panic|fatal error|panicked at [^:\s]+:\d+:\d+):\s*$`)
	wasmLog     = regexp.MustCompile(`(?i)^wasm log[^:]*: ?`)
)

// OpensPanic reports whether a line is a panic's headline, with the reason on the next line.
func OpensPanic(line string) bool { return panicBegins.MatchString(line) }

// IsPanic reports whether a logged line is a panic of Go or Rust.
func IsPanic(line string) bool {
	return strings.HasPrefix(line, "panic") || strings.HasPrefix(line, "fatal error")
}

// reasonIn returns the text of a line of Envoy's log that may continue a panic from the line
// before: a line of the same filter, or a line without Envoy's prefix.
func reasonIn(begun, line string) (text string, ok bool) {
	words := withoutPrefix(line)
	prefix := wasmLog.FindString(words)
	before := wasmLog.FindString(withoutPrefix(begun))
	bare := words == strings.TrimSpace(line)
	if words == "" || !bare && prefix != before || bare && prefix != "" && prefix != before {
		return "", false
	}
	return strings.TrimSpace(words[len(prefix):]), true
}
