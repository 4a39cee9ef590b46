package spec

import (
	"fmt"
	"strconv"
)

// expect reads the expected results of a step.
func (r *testReader) expect(path string, v *node) TestExpect {
	e := TestExpect{Pos: v.pos}
	known := fields{
		"logs":    func(_, v *node) { e.Logs = r.logs(path+".logs", v) },
		"metrics": func(_, v *node) { e.Metrics = r.metrics(path+".metrics", v) },
		"calls":   func(_, v *node) { e.Calls = r.calls(path+".calls", v) },
	}
	if r.network {
		known["upstream"] = func(_, v *node) { e.ToUpstream = r.bytes(path+".upstream", v) }
		known["downstream"] = func(_, v *node) { e.ToDownstream = r.bytes(path+".downstream", v) }
		known["closed"] = func(_, v *node) {
			closed := r.boolean(path+".closed", v)
			e.Closed = &closed
		}
	} else {
		known["upstream"] = func(_, v *node) { e.Upstream, e.NoUpstream = r.expected(path+".upstream", v, request) }
		known["response"] = func(_, v *node) { e.Response, e.NoResponse = r.expected(path+".response", v, response) }
	}
	r.section(path, v, known)
	if v.kind == kindMap && len(v.entries) == 0 {
		r.fail(&Error{
			Code: CodeBadValue, Message: path + " expects nothing: the test would show nothing",
			Hint: "as in expect: {response: {status: 200}}", Pos: v.pos,
		})
	}
	return e
}

// expected reads an expected message, or the word none.
func (r *testReader) expected(path string, v *node, p part) (m *TestMessage, none bool) {
	if v.kind == kindString {
		if v.text == "none" {
			return nil, true
		}
		r.badChoice(path, v, []string{"none"})
		return nil, false
	}
	m = &TestMessage{}
	r.section(path, v, r.messageFields(path, m, p, true))
	return m, false
}

// bytes reads all bytes that reach one side of a connection. Here "none" is ordinary text; an empty
// text means no bytes.
func (r *testReader) bytes(path string, v *node) *string {
	all := ""
	for _, chunk := range r.body(path, v) {
		all += chunk
	}
	return &all
}

func (r *testReader) logs(path string, v *node) []TestLog {
	if !r.is(path, v, kindList) {
		return nil
	}
	logs := []TestLog{}
	for i, item := range v.items {
		at := fmt.Sprintf("%s[%d]", path, i)
		var l TestLog
		if item.kind == kindMap {
			r.section(at, item, fields{
				"level": func(_, v *node) {
					l.Level = choice(r.decoder, at+".level", v, "trace", "debug", "info", "warn", "error", "critical")
				},
				"text": func(_, v *node) { l.Text, _ = r.str(at+".text", v) },
			})
		} else {
			l.Text, _ = r.filled(at, item)
		}
		logs = append(logs, l)
	}
	return logs
}

func (r *testReader) metrics(path string, v *node) map[string]int64 {
	if !r.is(path, v, kindMap) {
		return nil
	}
	metrics := make(map[string]int64, len(v.entries))
	for _, e := range v.entries {
		name, ok := r.filled("a name in "+path, e.key)
		if !ok {
			continue
		}
		if _, twice := metrics[name]; twice {
			r.failf(CodeDuplicateKey, e.key, "%s has %s twice", path, brief(name))
		}
		if !r.is(path+"."+brief(name), e.value, kindNumber) {
			continue
		}
		value, err := strconv.ParseInt(e.value.text, 10, 64)
		if err != nil {
			r.failf(CodeBadValue, e.value, "%s.%s must be a whole number, not %s", path, brief(name), brief(e.value.text))
		}
		metrics[name] = value
	}
	return metrics
}

func (r *testReader) calls(path string, v *node) []TestCall {
	if !r.is(path, v, kindList) {
		return nil
	}
	calls := []TestCall{}
	for i, item := range v.items {
		at := fmt.Sprintf("%s[%d]", path, i)
		var c TestCall
		known := r.messageFields(at, &c.TestMessage, request, true)
		known["cluster"] = func(_, v *node) { c.Cluster, _ = r.filled(at+".cluster", v) }
		r.section(at, item, known)
		if item.kind == kindMap && !r.has(at+".cluster") {
			r.failf(CodeMissingField, item, "%s.cluster is missing", at)
		}
		calls = append(calls, c)
	}
	return calls
}

// answers reads the responses to calls, by cluster: one response, or a list of them.
func (r *testReader) answers(path string, v *node) map[string][]TestAnswer {
	if !r.is(path, v, kindMap) {
		return nil
	}
	answers := make(map[string][]TestAnswer, len(v.entries))
	for _, e := range v.entries {
		cluster, ok := r.filled("a cluster in "+path, e.key)
		if !ok {
			continue
		}
		at := path + "." + brief(cluster)
		if _, twice := answers[cluster]; twice {
			r.failf(CodeDuplicateKey, e.key, "%s is there twice", at)
		}
		if e.value.kind != kindList {
			answers[cluster] = []TestAnswer{r.answer(at, e.value)}
			continue
		}
		if len(e.value.items) == 0 {
			r.failf(CodeBadValue, e.value, "%s is an empty list", at)
		}
		for i, item := range e.value.items {
			answers[cluster] = append(answers[cluster], r.answer(fmt.Sprintf("%s[%d]", at, i), item))
		}
	}
	return answers
}

// answer reads the response to one call; the word fail means no response.
func (r *testReader) answer(path string, v *node) TestAnswer {
	if v.kind == kindString {
		if v.text != "fail" {
			r.badChoice(path, v, []string{"fail"})
		}
		return TestAnswer{Fail: true}
	}
	a := TestAnswer{TestMessage: r.message(path, v, response)}
	a.Status = orDefault(a.Status, 200)
	return a
}
