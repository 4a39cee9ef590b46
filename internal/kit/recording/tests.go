package recording

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// Tests collects tests from exchanges. The zero value with Most is ready.
type Tests struct {
	Most int // tests

	all    []yaml.MapSlice
	known  map[string]bool
	names  map[string]int
	Twice  int // exchanges that are like an earlier one
	Large  int // exchanges with too large headers
	Bodies int // tests whose request had a body, which is not recorded
}

// mostBytes is the size of the largest test.
const mostBytes = 16 << 10

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
		t.known, t.names = map[string]bool{}, map[string]int{}
	}
	t.known[string(text)] = true
	if e.HasBody {
		t.Bodies++
	}
	path, _, _ := strings.Cut(e.Request.Get(":path"), "?")
	name := fmt.Sprintf("%s %s answers %s", e.Request.Get(":method"), path, e.Client.Get(":status"))
	if t.names[name]++; t.names[name] > 1 {
		name += fmt.Sprintf(" (%d)", t.names[name])
	}
	t.all = append(t.all, append(yaml.MapSlice{{Key: "name", Value: name}}, test...))
}

// YAML is the field tests of a spec.
func (t *Tests) YAML() ([]byte, error) {
	return yaml.Marshal(yaml.MapSlice{{Key: "tests", Value: t.all}})
}

// testOf is a test without its name. It expects the changes of the filter, and nothing else.
func testOf(e Exchange) yaml.MapSlice {
	request := yaml.MapSlice{{Key: "method", Value: e.Request.Get(":method")}, {Key: "path", Value: e.Request.Get(":path")}}
	headers := e.Request.plain()
	if host := e.Request.Get(":authority"); host != "" {
		headers = append(Message{{"host", host}}, headers...)
	}
	request = addHeaders(request, headers.values())
	test := yaml.MapSlice{{Key: "request", Value: request}}
	response := yaml.MapSlice{{Key: "status", Value: status(e.Client)}}
	if e.Upstream == nil {
		response = addHeaders(response, e.Client.plain().values())
		return append(test, yaml.MapItem{Key: "expect", Value: yaml.MapSlice{{Key: "upstream", Value: "none"}, {Key: "response", Value: response}}})
	}
	upstream := yaml.MapSlice{{Key: "status", Value: status(e.Response)}}
	test = append(test, yaml.MapItem{Key: "upstream", Value: addHeaders(upstream, e.Response.plain().values())})
	passed := yaml.MapSlice{{Key: "method", Value: e.Upstream.Get(":method")}, {Key: "path", Value: e.Upstream.Get(":path")}}
	passed = addHeaders(passed, changed(e.Request.plain(), e.Upstream.plain()))
	response = addHeaders(response, changed(e.Response.plain(), e.Client.plain()))
	return append(test, yaml.MapItem{Key: "expect", Value: yaml.MapSlice{{Key: "upstream", Value: passed}, {Key: "response", Value: response}}})
}

func status(m Message) any {
	if n, err := strconv.Atoi(m.Get(":status")); err == nil {
		return n
	}
	return m.Get(":status")
}

// ofConnection matches the headers that Envoy or a connection makes, and that differ each time.
var ofConnection = regexp.MustCompile(`^(:|x-envoy-|x-forwarded-|x-b3-)|^(x-request-id|traceparent|tracestate|date|server|via|age|connection|keep-alive|transfer-encoding|content-length|host|te|upgrade|expect)$`)

// plain are the headers that a test has.
func (m Message) plain() Message {
	return slices.DeleteFunc(slices.Clone(m), func(h Header) bool { return ofConnection.MatchString(h.Name) })
}

// values are the values by name, sorted: one value, or a list. nil: the header is absent.
func (m Message) values() yaml.MapSlice {
	all := map[string][]string{}
	var names []string
	for _, h := range m {
		if all[h.Name] == nil {
			names = append(names, h.Name)
		}
		all[h.Name] = append(all[h.Name], h.Value)
	}
	slices.Sort(names)
	var out yaml.MapSlice
	for _, name := range names {
		if values := all[name]; len(values) > 1 {
			out = append(out, yaml.MapItem{Key: name, Value: values})
		} else {
			out = append(out, yaml.MapItem{Key: name, Value: values[0]})
		}
	}
	return out
}

// changed are the headers of after that differ from before. A header that is gone is nil.
func changed(before, after Message) yaml.MapSlice {
	was := map[any]any{}
	for _, item := range before.values() {
		was[item.Key] = item.Value
	}
	var out yaml.MapSlice
	for _, item := range after.values() {
		if fmt.Sprint(was[item.Key]) != fmt.Sprint(item.Value) {
			out = append(out, item)
		}
		delete(was, item.Key)
	}
	for _, item := range before.values() {
		if _, gone := was[item.Key]; gone {
			out = append(out, yaml.MapItem{Key: item.Key})
		}
	}
	return out
}

func addHeaders(to, headers yaml.MapSlice) yaml.MapSlice {
	if len(headers) == 0 {
		return to
	}
	return append(to, yaml.MapItem{Key: "headers", Value: headers})
}
