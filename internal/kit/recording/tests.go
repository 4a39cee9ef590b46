package recording

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// Tests collects tests from exchanges. The zero value with Most is ready.
type Tests struct {
	Most  int             // tests
	Taken map[string]bool // names of other tests

	all   []yaml.MapSlice
	known map[string]bool
	names map[string]bool
	Twice int         // exchanges that are like an earlier one
	Large int         // exchanges with too large headers
	Gaps  map[Gap]int // tests without bodies, by the reason
}

// mostBytes is the size of the largest test.
const mostBytes = 5 * MostBody

// Len is the number of tests.
func (t *Tests) Len() int { return len(t.all) }

// Full says whether there are as many tests as there may be.
func (t *Tests) Full() bool { return len(t.all) >= t.Most }

// Add adds the test of an exchange without secrets, unless there is a test like it.
func (t *Tests) Add(e Exchange) {
	if t.Full() {
		return
	}
	test := testOf(e)
	text, err := yaml.Marshal(test)
	switch {
	case err != nil || len(text) > mostBytes:
		t.Large++
		return
	case t.known[string(text)]:
		t.Twice++
		return
	}
	if t.known == nil {
		t.known, t.names, t.Gaps = map[string]bool{}, map[string]bool{}, map[Gap]int{}
	}
	t.known[string(text)] = true
	if e.NoBodies != "" {
		t.Gaps[e.NoBodies]++
	}
	t.all = append(t.all, append(yaml.MapSlice{{Key: "name", Value: t.name(e)}}, test...))
}

// name is a name for the test of an exchange.
func (t *Tests) name(e Exchange) string {
	path, _, _ := strings.Cut(e.Request.Headers.Get(":path"), "?")
	name := fmt.Sprintf("%s %s answers %s", e.Request.Headers.Get(":method"), path, e.Client.Headers.Get(":status"))
	for free, n := name, 2; ; free, n = fmt.Sprintf("%s (%d)", name, n), n+1 {
		if !t.names[free] && !t.Taken[free] {
			t.names[free] = true
			return free
		}
	}
}

// Items are the tests with wanted names, as the items of a list in YAML.
func (t *Tests) Items(wanted func(name string) bool) ([]byte, error) {
	items := []yaml.MapSlice{}
	for _, test := range t.all {
		if name, _ := test[0].Value.(string); wanted(name) {
			items = append(items, test)
		}
	}
	return yaml.Marshal(items)
}

// testOf is a test without its name. It expects the changes of the filter, and nothing else.
func testOf(e Exchange) yaml.MapSlice {
	line := func(m Message) yaml.MapSlice {
		return yaml.MapSlice{{Key: "method", Value: m.Headers.Get(":method")}, {Key: "path", Value: m.Headers.Get(":path")}}
	}
	status := func(m Message) yaml.MapSlice {
		if n, err := strconv.Atoi(m.Headers.Get(":status")); err == nil {
			return yaml.MapSlice{{Key: "status", Value: n}}
		}
		return yaml.MapSlice{{Key: "status", Value: m.Headers.Get(":status")}}
	}
	var host Headers
	if name := e.Request.Headers.Get(":authority"); name != "" {
		host = Headers{{"host", name}}
	}
	test := yaml.MapSlice{{Key: "request", Value: addMessage(line(e.Request), e.Request, host...)}}
	expect := yaml.MapSlice{}
	if e.Upstream == nil {
		expect = append(expect, yaml.MapItem{Key: "upstream", Value: "none"},
			yaml.MapItem{Key: "response", Value: addMessage(status(e.Client), e.Client)})
	} else {
		test = append(test, yaml.MapItem{Key: "upstream", Value: addMessage(status(*e.Response), *e.Response)})
		expect = append(expect, yaml.MapItem{Key: "upstream", Value: addChanges(line(*e.Upstream), e.Request, *e.Upstream)},
			yaml.MapItem{Key: "response", Value: addChanges(status(e.Client), *e.Response, e.Client)})
	}
	return append(test, yaml.MapItem{Key: "expect", Value: expect})
}

// addMessage adds a whole message to a map, with more headers.
func addMessage(to yaml.MapSlice, m Message, more ...Header) yaml.MapSlice {
	to = addHeaders(to, "headers", append(Headers(more), m.Headers.plain()...).values())
	if m.Body != "" {
		to = append(to, yaml.MapItem{Key: "body", Value: m.Body})
	}
	return addHeaders(to, "trailers", m.Trailers.values())
}

// addChanges adds the difference between a message before and after the filter to a map.
func addChanges(to yaml.MapSlice, before, after Message) yaml.MapSlice {
	to = addHeaders(to, "headers", changed(before.Headers.plain(), after.Headers.plain()))
	if before.Body != after.Body {
		to = append(to, yaml.MapItem{Key: "body", Value: after.Body})
	}
	return addHeaders(to, "trailers", changed(before.Trailers, after.Trailers))
}

func addHeaders(to yaml.MapSlice, key string, headers yaml.MapSlice) yaml.MapSlice {
	if len(headers) == 0 {
		return to
	}
	return append(to, yaml.MapItem{Key: key, Value: headers})
}
