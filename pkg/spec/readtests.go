package spec

import (
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
	kind Type
	path string // of the test or the step being read
}

// readTests decodes the tests of a document of this type.
func readTests(d *decoder, v *node, kind Type) []Test {
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
		r := &testReader{decoder: d, kind: kind, path: fmt.Sprintf("tests[%d]", i)}
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
	known["shared"] = func(_, v *node) { t.Shared = readTexts(r.decoder, at+".shared", v) }
	known["sharedQueues"] = func(_, v *node) { t.SharedQueues = readQueueNames(r.decoder, at+".sharedQueues", v) }
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
		case "name", "shared", "sharedQueues", "steps":
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
		"properties": func(_, v *node) { s.Properties = readTexts(r.decoder, at+".properties", v) },
		"calls":      func(_, v *node) { s.Calls = readAnswers(r.decoder, at+".calls", v) },
		"expect":     func(_, v *node) { s.Expect = readExpect(r.decoder, at+".expect", v, r.kind) },
	}
	switch r.kind {
	case Network:
		s.Connection = &TestConnection{}
		known["downstream"] = func(_, v *node) { s.Connection.Downstream = readBody(r.decoder, at+".downstream", v) }
		known["upstream"] = func(_, v *node) { s.Connection.Upstream = readBody(r.decoder, at+".upstream", v) }
		return known
	case Service:
		s.Service = &TestService{}
		known["queues"] = func(_, v *node) { s.Service.Queues = readQueues(r.decoder, at+".queues", v) }
		known["ticks"] = func(_, v *node) { s.Service.Ticks = readTicks(r.decoder, at+".ticks", v) }
		return known
	}
	s.HTTP = &TestHTTP{}
	known["request"] = func(_, v *node) { s.HTTP.Request = readMessage(r.decoder, at+".request", v, request) }
	known["upstream"] = func(_, v *node) { s.HTTP.Upstream = readMessage(r.decoder, at+".upstream", v, response) }
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
