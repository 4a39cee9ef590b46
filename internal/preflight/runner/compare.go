package runner

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
	"github.com/wasm-xds/wasm-xds/internal/preflight/traffic"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// comparison compares the result of a test with the expected result.
type comparison struct {
	steps    int // of the test
	step     int // 0-based
	failures []Failure
}

func (c *comparison) fail(what, want, got string) {
	f := Failure{What: what, Want: want, Got: got, Diff: diffLines(want, got)}
	if c.steps > 1 {
		f.Step = c.step + 1
	}
	c.failures = append(c.failures, f)
}

// exchange compares an HTTP exchange.
func (c *comparison) exchange(e spec.TestExpect, out traffic.Passed) {
	why := "nothing: the filter holds it back"
	switch {
	case out.Reset:
		why = "nothing: the filter has reset the stream"
	case out.Local:
		why = "nothing: the filter has answered by itself"
	}
	c.outcome("upstream", e.Upstream, e.NoUpstream, out.Upstream, why)
	c.outcome("response", e.Response, e.NoResponse, out.Client, why)
}

// connection compares the data of a connection.
func (c *comparison) connection(e spec.TestExpect, out traffic.Passed) {
	c.text("upstream", e.ToUpstream, out.ToUpstream)
	c.text("downstream", e.ToDownstream, out.ToDownstream)
	if e.Closed != nil && *e.Closed != out.Closed {
		c.fail("closed", strconv.FormatBool(*e.Closed), strconv.FormatBool(out.Closed))
	}
}

// outcome compares the message at a side with the expected message.
func (c *comparison) outcome(what string, want *spec.TestMessage, none bool, got host.Outcome, why string) {
	switch {
	case none && got.Reached:
		c.fail(what, nothingExpected, summary(got.Message))
	case none || want == nil:
	case !got.Reached:
		c.fail(what, "a message", why)
	default:
		if !got.Complete && (want.Body != nil || want.Trailers != nil) {
			c.fail(what, "all of the message", "only a part of it came: the filter holds back the rest")
		}
		c.message(what, *want, got.Message)
	}
}

func (c *comparison) message(what string, want spec.TestMessage, got host.Message) {
	for _, pseudo := range []struct{ field, name, want string }{
		{"method", ":method", want.Method}, {"path", ":path", want.Path}, {"status", ":status", statusText(want.Status)},
	} {
		value := strings.Join(valuesOf(got.Headers, pseudo.name), ", ")
		if pseudo.want != "" && value != pseudo.want {
			c.fail(what+"."+pseudo.field, pseudo.want, orNotThere(value))
		}
	}
	c.headers(what+".headers.", want.Headers, got.Headers)
	if want.Body != nil {
		body := strings.Join(want.Body, "")
		c.text(what+".body", &body, bodyText(got.Body))
	}
	c.headers(what+".trailers.", want.Trailers, got.Trailers)
}

// headers looks at the expected headers; other headers may be present. A list of values
// equals a single header with commas, because Envoy joins some lists.
func (c *comparison) headers(what string, want []spec.TestHeader, got []host.Header) {
	for _, h := range want {
		name := h.Name
		if name == "host" {
			name = ":authority" // as Envoy has it
		}
		values := valuesOf(got, name)
		switch {
		case h.Absent && values != nil:
			c.fail(what+h.Name, notThere, quoteAll(values))
		case !h.Absent && values == nil:
			c.fail(what+h.Name, quoteAll(h.Values), notThere)
		case !h.Absent && strings.Join(values, ",") != strings.Join(h.Values, ","):
			c.fail(what+h.Name, quoteAll(h.Values), quoteAll(values))
		}
	}
}

// text compares bytes. It shows text of several lines as a diff, and other bytes in quotes.
func (c *comparison) text(what string, want *string, got string) {
	if want == nil || *want == got {
		return
	}
	if !isText(*want) || !isText(got) || diffLines(*want, got) == "" {
		c.fail(what, strconv.Quote(*want), strconv.Quote(got))
		return
	}
	c.fail(what, *want, got)
}

// logs looks for each expected line after the match of the one before.
func (c *comparison) logs(want []spec.TestLog, got []host.Log) {
	lines := make([]string, len(got))
	for i, l := range got {
		lines[i] = l.Level.String() + ": " + finding.OneLine(l.Text)
	}
	if want != nil && len(want) == 0 && len(got) > 0 {
		c.fail("logs", nothingExpected, strings.Join(lines, "\n"))
	}
	at := 0
	for i, w := range want {
		found := slices.IndexFunc(got[at:], func(l host.Log) bool {
			return strings.Contains(l.Text, w.Text) && (w.Level == "" || w.Level == l.Level.String())
		})
		if found < 0 {
			text := w.Text
			if w.Level != "" {
				text = w.Level + ": " + text
			}
			c.fail(fmt.Sprintf("logs[%d]", i), text, orNothing(strings.Join(lines[at:], "\n")))
			return
		}
		at += found + 1
	}
}

func (c *comparison) metrics(want map[string]int64, got []host.Metric) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		i := slices.IndexFunc(got, func(m host.Metric) bool { return m.Name == name })
		switch {
		case i < 0:
			c.fail("metrics."+name, strconv.FormatInt(want[name], 10), notThere)
		case int64(got[i].Value) != want[name]:
			c.fail("metrics."+name, strconv.FormatInt(want[name], 10), strconv.FormatInt(int64(got[i].Value), 10))
		}
	}
}

// queue compares the messages that the filter has put into a queue during a step.
func (c *comparison) queue(want spec.TestQueue, got [][]byte) {
	messages := make([]string, len(got))
	for i, message := range got {
		messages[i] = string(message)
	}
	if !slices.Equal(want.Messages, messages) {
		c.fail("queues."+want.Name, orNothing(quoteAll(want.Messages)), orNothing(quoteAll(messages)))
	}
}

// calls compares all calls of a step, in their order.
func (c *comparison) calls(want []spec.TestCall, got []*host.Call) {
	if want == nil {
		return
	}
	for i := range max(len(want), len(got)) {
		what := fmt.Sprintf("calls[%d]", i)
		switch {
		case i >= len(got):
			c.fail(what, "a call to "+want[i].Cluster, "no call")
		case i >= len(want):
			c.fail(what, "no call", fmt.Sprintf("a call to %s: %s", got[i].Cluster, summary(got[i].Message)))
		case want[i].Cluster != got[i].Cluster:
			c.fail(what+".cluster", want[i].Cluster, got[i].Cluster)
		default:
			c.message(what, want[i].TestMessage, got[i].Message)
		}
	}
}
