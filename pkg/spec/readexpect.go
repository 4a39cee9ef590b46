package spec

import (
	"fmt"
	"strconv"
)

// readExpect reads the expected results of a step.
func readExpect(d *decoder, path string, v *node, kind Type) TestExpect {
	e := TestExpect{Pos: v.pos}
	known := fields{
		"logs":    func(_, v *node) { e.Logs = readLogs(d, path+".logs", v) },
		"metrics": func(_, v *node) { e.Metrics = readMetrics(d, path+".metrics", v) },
		"queues":  func(_, v *node) { e.Queues = readQueues(d, path+".queues", v) },
		"calls":   func(_, v *node) { e.Calls = readCalls(d, path+".calls", v) },
	}
	switch kind {
	case Service: // has no sides
	case Network:
		known["upstream"] = func(_, v *node) { e.ToUpstream = readBytes(d, path+".upstream", v) }
		known["downstream"] = func(_, v *node) { e.ToDownstream = readBytes(d, path+".downstream", v) }
		known["closed"] = func(_, v *node) {
			closed := d.boolean(path+".closed", v)
			e.Closed = &closed
		}
	default:
		known["upstream"] = func(_, v *node) { e.Upstream, e.NoUpstream = readExpected(d, path+".upstream", v, request) }
		known["response"] = func(_, v *node) { e.Response, e.NoResponse = readExpected(d, path+".response", v, response) }
	}
	d.section(path, v, known)
	if v.kind == kindMap && len(v.entries) == 0 {
		d.fail(&Error{
			Code: CodeBadValue, Message: path + " expects nothing: the test would show nothing",
			Hint: "as in expect: {response: {status: 200}}", Pos: v.pos,
		})
	}
	return e
}

// readExpected reads an expected message, or the word none.
func readExpected(d *decoder, path string, v *node, p part) (m *TestMessage, none bool) {
	if v.kind == kindString {
		if v.text == "none" {
			return nil, true
		}
		d.badChoice(path, v, []string{"none"})
		return nil, false
	}
	m = &TestMessage{}
	d.section(path, v, readMessageFields(d, path, m, p, true))
	return m, false
}

// readBytes reads all bytes that reach one side of a connection. Here "none" is ordinary text; an
// empty text means no bytes.
func readBytes(d *decoder, path string, v *node) *string {
	all := ""
	for _, chunk := range readBody(d, path, v) {
		all += chunk
	}
	return &all
}

func readLogs(d *decoder, path string, v *node) []TestLog {
	if !d.is(path, v, kindList) {
		return nil
	}
	logs := []TestLog{}
	for i, item := range v.items {
		at := fmt.Sprintf("%s[%d]", path, i)
		var l TestLog
		if item.kind == kindMap {
			d.section(at, item, fields{
				"level": func(_, v *node) {
					l.Level = choice(d, at+".level", v, "trace", "debug", "info", "warn", "error", "critical")
				},
				"text": func(_, v *node) { l.Text, _ = d.str(at+".text", v) },
			})
		} else {
			l.Text, _ = d.filled(at, item)
		}
		logs = append(logs, l)
	}
	return logs
}

func readMetrics(d *decoder, path string, v *node) map[string]int64 {
	if !d.is(path, v, kindMap) {
		return nil
	}
	metrics := make(map[string]int64, len(v.entries))
	for _, e := range v.entries {
		name, ok := d.filled("a name in "+path, e.key)
		if !ok {
			continue
		}
		if _, twice := metrics[name]; twice {
			d.failf(CodeDuplicateKey, e.key, "%s has %s twice", path, brief(name))
		}
		if !d.is(path+"."+brief(name), e.value, kindNumber) {
			continue
		}
		value, err := strconv.ParseInt(e.value.text, 10, 64)
		if err != nil {
			d.failf(CodeBadValue, e.value, "%s.%s must be a whole number, not %s", path, brief(name), brief(e.value.text))
		}
		metrics[name] = value
	}
	return metrics
}

func readCalls(d *decoder, path string, v *node) []TestCall {
	if !d.is(path, v, kindList) {
		return nil
	}
	calls := []TestCall{}
	for i, item := range v.items {
		at := fmt.Sprintf("%s[%d]", path, i)
		var c TestCall
		known := readMessageFields(d, at, &c.TestMessage, request, true)
		known["cluster"] = func(_, v *node) { c.Cluster, _ = d.filled(at+".cluster", v) }
		d.section(at, item, known)
		if item.kind == kindMap && !d.has(at+".cluster") {
			d.failf(CodeMissingField, item, "%s.cluster is missing", at)
		}
		calls = append(calls, c)
	}
	return calls
}

// readAnswers reads the responses to calls, by cluster: one response, or a list of them.
func readAnswers(d *decoder, path string, v *node) map[string][]TestAnswer {
	if !d.is(path, v, kindMap) {
		return nil
	}
	answers := make(map[string][]TestAnswer, len(v.entries))
	for _, e := range v.entries {
		cluster, ok := d.filled("a cluster in "+path, e.key)
		if !ok {
			continue
		}
		at := path + "." + brief(cluster)
		if _, twice := answers[cluster]; twice {
			d.failf(CodeDuplicateKey, e.key, "%s is there twice", at)
		}
		if e.value.kind != kindList {
			answers[cluster] = []TestAnswer{readAnswer(d, at, e.value)}
			continue
		}
		if len(e.value.items) == 0 {
			d.failf(CodeBadValue, e.value, "%s is an empty list", at)
		}
		for i, item := range e.value.items {
			answers[cluster] = append(answers[cluster], readAnswer(d, fmt.Sprintf("%s[%d]", at, i), item))
		}
	}
	return answers
}

// readAnswer reads the response to one call; the word fail means no response.
func readAnswer(d *decoder, path string, v *node) TestAnswer {
	if v.kind == kindString {
		if v.text != "fail" {
			d.badChoice(path, v, []string{"fail"})
		}
		return TestAnswer{Fail: true}
	}
	a := TestAnswer{TestMessage: readMessage(d, path, v, response)}
	a.Status = orDefault(a.Status, 200)
	return a
}
