package spec

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// The bounds of tests.
const (
	maxTests    = 200 // of a document
	maxSteps    = 200 // of a test
	maxTestName = 200
)

// testReader decodes the tests section of a document.
type testReader struct {
	*decoder
	network bool
	path    string // of the test or the step being read
}

// readTests decodes the tests. The document's type must be known.
func (d *decoder) readTests(v *node) []Test {
	if !d.is("tests", v, kindList) {
		return nil
	}
	if len(v.items) > maxTests {
		d.failf(CodeTooLarge, v, "tests has %d entries, more than %d", len(v.items), maxTests)
		return nil
	}
	names := map[string]Position{}
	tests := []Test{}
	for i, item := range v.items {
		r := &testReader{decoder: d, network: d.spec.Type == Network, path: fmt.Sprintf("tests[%d]", i)}
		t := r.test(item)
		if first, taken := names[t.Name]; taken && t.Name != "" {
			d.fail(&Error{
				Code: CodeDuplicateKey, Message: fmt.Sprintf("there is a test %q already, on line %d", brief(t.Name), first.Line),
				Hint: "give one of them another name", Pos: t.Pos,
			})
		}
		names[t.Name] = t.Pos
		tests = append(tests, t)
	}
	return tests
}

func (r *testReader) test(v *node) Test {
	t := Test{Pos: v.pos}
	at := r.path
	step := TestStep{Pos: v.pos}
	known := r.stepFields(at, &step)
	known["name"] = func(_, v *node) { t.Name = r.name(at+".name", v) }
	known["shared"] = func(_, v *node) { t.Shared = r.texts(at+".shared", v) }
	known["steps"] = func(_, v *node) { t.Steps = r.steps(at+".steps", v) }
	r.section(at, v, known)
	if v.kind != kindMap {
		return t
	}
	if !r.has(at + ".name") {
		r.fail(&Error{Code: CodeMissingField, Message: at + ".name is missing", Hint: "say what the test shows", Pos: v.pos})
	}
	if !r.has(at + ".steps") {
		r.completeStep(at, v, &step)
		t.Steps = []TestStep{step}
		return t
	}
	for _, e := range v.entries {
		switch e.key.text {
		case "name", "shared", "steps":
		default:
			r.fail(&Error{
				Code: CodeConflict, Message: fmt.Sprintf("%s has both steps and %s", at, brief(e.key.text)),
				Hint: "move it into a step", Pos: e.key.pos,
			})
		}
	}
	return t
}

func (r *testReader) name(path string, v *node) string {
	text, ok := r.filled(path, v)
	if ok && (len(text) > maxTestName || strings.ContainsAny(text, "\n\r\t")) {
		r.failf(CodeBadValue, v, "%s must be one line of at most %d characters", path, maxTestName)
	}
	return text
}

func (r *testReader) steps(path string, v *node) []TestStep {
	if !r.is(path, v, kindList) {
		return nil
	}
	if len(v.items) == 0 || len(v.items) > maxSteps {
		r.failf(CodeBadValue, v, "%s must have from 1 to %d entries, not %d", path, maxSteps, len(v.items))
		return nil
	}
	var steps []TestStep
	for i, item := range v.items {
		at := fmt.Sprintf("%s[%d]", path, i)
		step := TestStep{Pos: item.pos}
		r.section(at, item, r.stepFields(at, &step))
		if item.kind == kindMap {
			r.completeStep(at, item, &step)
		}
		steps = append(steps, step)
	}
	return steps
}

// stepFields read a step into s.
func (r *testReader) stepFields(at string, s *TestStep) fields {
	known := fields{
		"properties": func(_, v *node) { s.Properties = r.texts(at+".properties", v) },
		"calls":      func(_, v *node) { s.Calls = r.answers(at+".calls", v) },
		"expect":     func(_, v *node) { s.Expect = r.expect(at+".expect", v) },
	}
	if r.network {
		s.Connection = &TestConnection{}
		known["downstream"] = func(_, v *node) { s.Connection.Downstream = r.body(at+".downstream", v) }
		known["upstream"] = func(_, v *node) { s.Connection.Upstream = r.body(at+".upstream", v) }
		return known
	}
	s.HTTP = &TestHTTP{}
	known["request"] = func(_, v *node) { s.HTTP.Request = r.message(at+".request", v, request) }
	known["upstream"] = func(_, v *node) { s.HTTP.Upstream = r.message(at+".upstream", v, response) }
	return known
}

// completeStep checks that a step expects something, and fills in defaults.
func (r *testReader) completeStep(at string, v *node, s *TestStep) {
	if !r.has(at + ".expect") {
		r.fail(&Error{
			Code: CodeMissingField, Message: at + ".expect is missing: the test would show nothing",
			Hint: "as in expect: {response: {status: 200}}", Pos: v.pos,
		})
	}
	if s.HTTP == nil {
		return
	}
	s.HTTP.Request.Method = orDefault(s.HTTP.Request.Method, "GET")
	s.HTTP.Request.Path = orDefault(s.HTTP.Request.Path, "/")
	s.HTTP.Upstream.Status = orDefault(s.HTTP.Upstream.Status, 200)
}

// part lists the fields of a message.
type part uint8

const (
	request part = iota
	response
)

func (r *testReader) message(path string, v *node, p part) TestMessage {
	var m TestMessage
	r.section(path, v, r.messageFields(path, &m, p, false))
	return m
}

// messageFields read a message into m. Only an expected message can say that a header is absent.
func (r *testReader) messageFields(path string, m *TestMessage, p part, expected bool) fields {
	known := fields{
		"headers":  func(_, v *node) { m.Headers = r.headers(path+".headers", v, expected) },
		"body":     func(_, v *node) { m.Body = r.body(path+".body", v) },
		"trailers": func(_, v *node) { m.Trailers = r.headers(path+".trailers", v, expected) },
	}
	if p == request {
		known["method"] = func(_, v *node) { m.Method, _ = r.filled(path+".method", v) }
		known["path"] = func(_, v *node) { m.Path, _ = r.filled(path+".path", v) }
		return known
	}
	known["status"] = func(_, v *node) {
		if v.kind != kindNumber && v.kind != kindString {
			r.is(path+".status", v, kindNumber)
			return
		}
		m.Status = r.whole(path+".status", v, v.text, 100, 599)
	}
	return known
}

// scalar reads a scalar as text in its original spelling: header values are text.
func (r *testReader) scalar(path string, v *node) string {
	switch v.kind {
	case kindNumber:
		return v.text
	case kindBool:
		return strings.ToLower(v.text)
	}
	text, _ := r.str(path, v)
	return text
}

// headers reads names with one or several values each. The names become lower case, as in HTTP/2
// and Envoy.
func (r *testReader) headers(path string, v *node, expected bool) []TestHeader {
	if !r.is(path, v, kindMap) {
		return nil
	}
	seen := map[string]bool{}
	headers := []TestHeader{}
	for _, e := range v.entries {
		text, ok := r.filled("a name in "+path, e.key)
		if !ok {
			continue
		}
		h := TestHeader{Name: strings.ToLower(text)}
		at := path + "." + brief(text)
		if strings.ContainsAny(text, " \r\n\t") {
			r.failf(CodeBadValue, e.key, "%s is no name of a header", at)
		}
		if seen[h.Name] {
			r.fail(&Error{
				Code: CodeDuplicateKey, Message: at + " is there twice",
				Hint: "give it several values, as in " + brief(text) + ": [a, b]", Pos: e.key.pos,
			})
		}
		seen[h.Name] = true
		switch {
		case expected && e.value.kind == kindNull && e.value.text != "":
			h.Absent = true
		case e.value.kind == kindList:
			for i, item := range e.value.items {
				h.Values = append(h.Values, r.headerValue(fmt.Sprintf("%s[%d]", at, i), item))
			}
			if h.Values == nil {
				r.failf(CodeBadValue, e.value, "%s is an empty list", at)
			}
		default:
			h.Values = []string{r.headerValue(at, e.value)}
		}
		headers = append(headers, h)
	}
	return headers
}

func (r *testReader) headerValue(path string, v *node) string {
	text := r.scalar(path, v)
	if strings.ContainsAny(text, "\r\n") {
		r.failf(CodeBadValue, v, "%s has a line end, which no header can have", path)
	}
	return text
}

// body reads one chunk or a list of them; each is text, or {base64: …}.
func (r *testReader) body(path string, v *node) []string {
	if v.kind != kindList {
		if text, ok := r.chunk(path, v); ok {
			return []string{text}
		}
		return nil
	}
	chunks := []string{}
	for i, item := range v.items {
		if text, ok := r.chunk(fmt.Sprintf("%s[%d]", path, i), item); ok {
			chunks = append(chunks, text)
		}
	}
	return chunks
}

func (r *testReader) chunk(path string, v *node) (text string, ok bool) {
	switch v.kind {
	case kindString:
		return v.text, true
	case kindMap:
		r.section(path, v, fields{"base64": func(_, v *node) {
			encoded, read := r.str(path+".base64", v)
			decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(encoded), ""))
			if read && err != nil {
				r.failf(CodeBadValue, v, "%s.base64 is not base64", path)
			}
			text, ok = string(decoded), read && err == nil
		}})
		if len(v.entries) == 0 {
			r.failf(CodeMissingField, v, "%s.base64 is missing", path)
		}
		return text, ok
	}
	r.is(path, v, kindString)
	return "", false
}

// texts reads a mapping of names to text.
func (r *testReader) texts(path string, v *node) map[string]string {
	if !r.is(path, v, kindMap) {
		return nil
	}
	all := make(map[string]string, len(v.entries))
	for _, e := range v.entries {
		name, ok := r.filled("a key in "+path, e.key)
		if !ok {
			continue
		}
		if _, twice := all[name]; twice {
			r.fail(&Error{
				Code: CodeDuplicateKey, Message: path + " has " + brief(name) + " twice",
				Hint: "remove one of the two", Pos: e.key.pos,
			})
		}
		all[name] = r.scalar(path+"."+brief(name), e.value)
	}
	return all
}
