package host

import (
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

// mostMissed is the largest number of missing things in a message.
const mostMissed = 5

// misses are the headers and properties that a module asked for in vain in the current stream.
type misses struct {
	at    *progress
	names []string
}

func (m *misses) add(what string) {
	what = finding.OneLine(what)
	if m.at.step != finding.StepStream || len(what) > finding.MaximumDetail || slices.Contains(m.names, what) {
		return
	}
	if len(m.names) == mostMissed {
		m.names = m.names[1:]
	}
	m.names = append(m.names, what)
}

// beginStream forgets the misses of the former stream.
func (m *misses) beginStream() { m.names = nil }

// words names the misses, for the end of a message.
func (m *misses) words() string {
	if len(m.names) == 0 {
		return ""
	}
	return "; it asked for what the sandbox's request has not: " + strings.Join(m.names, ", ")
}
