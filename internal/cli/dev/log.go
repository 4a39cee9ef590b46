package dev

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// envoyLog writes all lines to the file, and shows important lines.
type envoyLog struct {
	file io.Writer
	show io.Writer
	rest []byte // of an incomplete line
	last string // the last line

	quiet atomic.Bool // no further line is shown
}

// longestLogLine bounds the memory for a line without an end.
const longestLogLine = 64 << 10

func (l *envoyLog) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found {
			break
		}
		l.line(string(line))
		l.rest = rest
	}
	if len(l.rest) > longestLogLine {
		l.rest = nil
	}
	return l.file.Write(p)
}

func (l *envoyLog) line(text string) {
	l.last = terminal.Printable(text)
	if !l.quiet.Load() && matters(text) {
		// Leave out the date and the time: the line is of now.
		fmt.Fprintf(l.show, "envoy | %s\n", dateAndTime.ReplaceAllString(l.last, ""))
	}
}

var dateAndTime = regexp.MustCompile(`^\[[0-9][^]]*\]`)

// expected are parts of warnings that mean nothing here. An update with remote code begins with a
// refusal: Envoy keeps the old filter, fetches the module, and accepts the next push. wasm-xds
// logs real refusals, for which Envoy has other messages.
func expected() []string {
	return []string{
		"There is no configured limit", // every Envoy without an overload manager
		"Wasm remote code fetch is unstable",
		"failed to load (in progress)",
		"rejected: Unable to create Wasm plugin",
	}
}

// matters says whether a line is a warning or worse, comes from a filter, or is not a line of
// Envoy's log at all (a crash, or an error of the command line).
func matters(line string) bool {
	if !dateAndTime.MatchString(line) {
		return line != ""
	}
	_, rest, _ := strings.Cut(line, "][")
	level, rest, _ := strings.Cut(rest, "][")
	logger, text, _ := strings.Cut(rest, "] ")
	switch level {
	case "warning", "error", "critical":
		if strings.HasPrefix(text, "Plugin ") && strings.HasSuffix(text, " failed to load") {
			return false
		}
		return !slices.ContainsFunc(expected(), func(part string) bool { return strings.Contains(text, part) })
	}
	return logger == "wasm"
}
