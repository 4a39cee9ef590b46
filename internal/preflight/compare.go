package preflight

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const (
	nothingExpected = "none"
	notThere        = "not there"
)

// CompareHTTP lists the differences between an exchange, in the sandbox or in Envoy, and the
// messages that a step of a test expects. It ignores logs, metrics and calls.
func CompareHTTP(s spec.TestStep, upstream, client Outcome) []TestFailure {
	t := &testRun{test: spec.Test{Steps: []spec.TestStep{s}}}
	t.compareOutcome("upstream", s.Expect.Upstream, s.Expect.NoUpstream, upstream, "nothing")
	t.compareOutcome("response", s.Expect.Response, s.Expect.NoResponse, client, "nothing")
	return t.result.Failures
}

// compareOutcome compares a message that has reached one side with the expected message.
func (t *testRun) compareOutcome(what string, want *spec.TestMessage, none bool, got Outcome, why string) {
	switch {
	case none && got.Reached:
		t.fail(what, nothingExpected, summary(got.Message))
	case none || want == nil:
	case !got.Reached:
		t.fail(what, "a message", why)
	default:
		if !got.Complete && (want.Body != nil || want.Trailers != nil) {
			t.fail(what, "all of the message", "only a part of it came: the filter holds back the rest")
		}
		t.compareMessage(what, *want, got.Message)
	}
}

// summary returns a message's first line.
func summary(m Message) string {
	var words []string
	for _, name := range []string{":status", ":method", ":path"} {
		words = append(words, valuesOf(m.Headers, name)...)
	}
	if len(words) == 0 {
		return "a message"
	}
	return strings.Join(words, " ")
}

func (t *testRun) compareMessage(what string, want spec.TestMessage, got Message) {
	for _, pseudo := range []struct{ field, name, want string }{
		{"method", ":method", want.Method}, {"path", ":path", want.Path}, {"status", ":status", statusText(want.Status)},
	} {
		value := strings.Join(valuesOf(got.Headers, pseudo.name), ", ")
		if pseudo.want != "" && value != pseudo.want {
			t.fail(what+"."+pseudo.field, pseudo.want, orNotThere(value))
		}
	}
	t.compareHeaders(what+".headers.", want.Headers, got.Headers)
	if want.Body != nil {
		body := strings.Join(want.Body, "")
		t.compareText(what+".body", &body, bodyText(got.Body))
	}
	t.compareHeaders(what+".trailers.", want.Trailers, got.Trailers)
}

func statusText(status int) string {
	if status == 0 {
		return ""
	}
	return strconv.Itoa(status)
}

func orNotThere(value string) string {
	if value == "" {
		return notThere
	}
	return value
}

func bodyText(chunks [][]byte) string {
	var b strings.Builder
	for _, chunk := range chunks {
		b.Write(chunk)
	}
	return b.String()
}

func valuesOf(headers []Header, name string) []string {
	var values []string
	for _, h := range headers {
		if strings.EqualFold(h.Name, name) {
			values = append(values, h.Value)
		}
	}
	return values
}

// compareHeaders looks at the expected headers; other headers may be present. A list of values
// equals a single header with commas, because Envoy joins some lists.
func (t *testRun) compareHeaders(what string, want []spec.TestHeader, got []Header) {
	for _, h := range want {
		name := h.Name
		if name == "host" {
			name = ":authority" // as Envoy has it
		}
		values := valuesOf(got, name)
		switch {
		case h.Absent && values != nil:
			t.fail(what+h.Name, notThere, quoteAll(values))
		case !h.Absent && values == nil:
			t.fail(what+h.Name, quoteAll(h.Values), notThere)
		case !h.Absent && strings.Join(values, ",") != strings.Join(h.Values, ","):
			t.fail(what+h.Name, quoteAll(h.Values), quoteAll(values))
		}
	}
}

func quoteAll(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = strconv.Quote(v)
	}
	return strings.Join(quoted, ", ")
}

// compareText compares bytes. It shows text of several lines as a diff, and other bytes in quotes.
func (t *testRun) compareText(what string, want *string, got string) {
	if want == nil || *want == got {
		return
	}
	if !isText(*want) || !isText(got) || diffLines(*want, got) == "" {
		t.fail(what, strconv.Quote(*want), strconv.Quote(got))
		return
	}
	t.fail(what, *want, got)
}

func isText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' })
}

// compareLogs looks for each expected line after the match of the one before.
func (t *testRun) compareLogs(want []spec.TestLog, got []Log) {
	lines := make([]string, len(got))
	for i, l := range got {
		lines[i] = levelName(l.Level) + ": " + finding.OneLine(l.Text)
	}
	if want != nil && len(want) == 0 && len(got) > 0 {
		t.fail("logs", nothingExpected, strings.Join(lines, "\n"))
	}
	at := 0
	for i, w := range want {
		found := slices.IndexFunc(got[at:], func(l Log) bool {
			return strings.Contains(l.Text, w.Text) && (w.Level == "" || w.Level == levelName(l.Level))
		})
		if found < 0 {
			text := w.Text
			if w.Level != "" {
				text = w.Level + ": " + text
			}
			t.fail(fmt.Sprintf("logs[%d]", i), text, orNothing(strings.Join(lines[at:], "\n")))
			return
		}
		at += found + 1
	}
}

func orNothing(text string) string {
	if text == "" {
		return "no line"
	}
	return text
}

func (t *testRun) compareMetrics(want map[string]int64, got []Metric) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		i := slices.IndexFunc(got, func(m Metric) bool { return m.Name == name })
		switch {
		case i < 0:
			t.fail("metrics."+name, strconv.FormatInt(want[name], 10), notThere)
		case int64(got[i].Value) != want[name]:
			t.fail("metrics."+name, strconv.FormatInt(want[name], 10), strconv.FormatInt(int64(got[i].Value), 10))
		}
	}
}

// compareCalls compares all calls of a step, in their order.
func (t *testRun) compareCalls(want []spec.TestCall, got []*Call) {
	if want == nil {
		return
	}
	for i := range max(len(want), len(got)) {
		what := fmt.Sprintf("calls[%d]", i)
		switch {
		case i >= len(got):
			t.fail(what, "a call to "+want[i].Cluster, "no call")
		case i >= len(want):
			t.fail(what, "no call", fmt.Sprintf("a call to %s: %s", got[i].Cluster, summary(got[i].Message)))
		case want[i].Cluster != got[i].Cluster:
			t.fail(what+".cluster", want[i].Cluster, got[i].Cluster)
		default:
			t.compareMessage(what, want[i].TestMessage, got[i].Message)
		}
	}
}

// diffLines shows the differences of texts line by line, with at most one line of the common
// beginning and end. The result is "" for texts of one line.
func diffLines(want, got string) string {
	if !strings.Contains(strings.TrimSuffix(want, "\n"), "\n") && !strings.Contains(strings.TrimSuffix(got, "\n"), "\n") {
		return ""
	}
	a, b := strings.SplitAfter(want, "\n"), strings.SplitAfter(got, "\n")
	first := 0
	for first < len(a) && first < len(b) && a[first] == b[first] {
		first++
	}
	last := 0
	for last < len(a)-first && last < len(b)-first && a[len(a)-1-last] == b[len(b)-1-last] {
		last++
	}
	var out strings.Builder
	line := func(mark, text string) {
		// A missing line end is part of the difference.
		if !strings.HasSuffix(text, "\n") {
			if text == "" {
				return
			}
			text += "⏎\n"
		}
		out.WriteString(mark + text)
	}
	if first > 0 {
		line("  ", a[first-1])
	}
	for _, text := range a[first : len(a)-last] {
		line("- ", text)
	}
	for _, text := range b[first : len(b)-last] {
		line("+ ", text)
	}
	if last > 0 {
		line("  ", a[len(a)-last])
	}
	return out.String()
}
