package host

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/cause"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

// Log is a log line of a module or of the host.
type Log struct {
	Level LogLevel
	Text  string
}

// LogLevel is a level's number in Proxy-Wasm.
type LogLevel int32

// The levels.
const (
	LogTrace LogLevel = iota
	LogDebug
	LogInfo
	LogWarn
	LogError
	LogCritical
)

// String returns the level's name, or its number for an unknown level.
func (l LogLevel) String() string {
	names := []string{"trace", "debug", "info", "warn", "error", "critical"}
	if l < 0 || int(l) >= len(names) {
		return strconv.Itoa(int(l))
	}
	return names[l]
}

const (
	maximumLogLine = 4 << 10 // bytes
	mostRecent     = 5       // lines in a failure
)

// logs keeps the log lines of a module and of the host.
type logs struct {
	config *Config
	lines  []Log
	lost   int      // dropped lines
	recent []string // the latest lines of the current callback
}

// add keeps a line, up to the limit of lines.
func (l *logs) add(level LogLevel, text string) {
	l.remember(text)
	if len(l.lines) >= l.config.Logs {
		l.lost++
		return
	}
	if len(text) > maximumLogLine {
		text = text[:maximumLogLine] + "…"
	}
	l.lines = append(l.lines, Log{Level: level, Text: strings.ToValidUTF8(text, "\uFFFD")})
}

// take returns the lines so far, with a note on dropped lines, and begins anew.
func (l *logs) take() []Log {
	lines := l.lines
	if l.lost > 0 {
		lines = append(lines, Log{Level: LogWarn, Text: fmt.Sprintf("%d further lines are not kept", l.lost)})
	}
	l.lines, l.lost = nil, 0
	return lines
}

// beginCallback forgets the lines of the former callback.
func (l *logs) beginCallback() { l.recent = nil }

// remember keeps the callback's latest lines: a module often logs the reason of its trap.
func (l *logs) remember(text string) {
	text = strings.TrimSpace(finding.OneLine(text))
	n := len(l.recent)
	switch {
	case text == "":
		return
	case n > 0 && cause.OpensPanic(l.recent[n-1]):
		l.recent[n-1] += " " + text
		return
	case n == mostRecent && cause.IsPanic(l.recent[0]):
		l.recent = slices.Delete(l.recent, 1, 2) // the lines after a panic are only its stack trace
	case n == mostRecent:
		l.recent = l.recent[1:]
	}
	l.recent = append(l.recent, text)
}

// detail returns the lines of the failed callback, one for each line of a problem's detail.
func (l *logs) detail() []string {
	var detail []string
	for _, text := range l.recent {
		detail = append(detail, "it logged: "+text)
	}
	return detail
}
