package spec

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// part lists the fields of a message.
type part uint8

const (
	request part = iota
	response
)

func readMessage(d *decoder, path string, v *node, p part) TestMessage {
	var m TestMessage
	d.section(path, v, readMessageFields(d, path, &m, p, false))
	return m
}

// readMessageFields read a message into m. Only an expected message can say a header is
// absent.
func readMessageFields(d *decoder, path string, m *TestMessage, p part, expected bool) fields {
	known := fields{
		"headers":  func(_, v *node) { m.Headers = readHeaders(d, path+".headers", v, expected) },
		"body":     func(_, v *node) { m.Body = readBody(d, path+".body", v) },
		"trailers": func(_, v *node) { m.Trailers = readHeaders(d, path+".trailers", v, expected) },
	}
	if p == request {
		known["method"] = func(_, v *node) { m.Method, _ = d.filled(path+".method", v) }
		known["path"] = func(_, v *node) { m.Path, _ = d.filled(path+".path", v) }
		return known
	}
	known["status"] = func(_, v *node) {
		if v.kind != kindNumber && v.kind != kindString {
			d.is(path+".status", v, kindNumber)
			return
		}
		m.Status = d.whole(path+".status", v, v.text, 100, 599)
	}
	return known
}

// readScalar reads a scalar as text in its original spelling: header values are text.
func readScalar(d *decoder, path string, v *node) string {
	switch v.kind {
	case kindNumber:
		return v.text
	case kindBool:
		return strings.ToLower(v.text)
	}
	text, _ := d.str(path, v)
	return text
}

// readHeaders reads names with one or several values each. The names become lower case, as in
// HTTP/2 and Envoy.
func readHeaders(d *decoder, path string, v *node, expected bool) []TestHeader {
	if !d.is(path, v, kindMap) {
		return nil
	}
	seen := map[string]bool{}
	headers := []TestHeader{}
	for _, e := range v.entries {
		text, ok := d.filled("a name in "+path, e.key)
		if !ok {
			continue
		}
		h := TestHeader{Name: strings.ToLower(text)}
		at := path + "." + brief(text)
		if strings.ContainsAny(text, " \r\n\t") {
			d.failf(CodeBadValue, e.key, "%s is no name of a header", at)
		}
		if seen[h.Name] {
			d.fail(&Error{
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
				h.Values = append(h.Values, readHeaderValue(d, fmt.Sprintf("%s[%d]", at, i), item))
			}
			if h.Values == nil {
				d.failf(CodeBadValue, e.value, "%s is an empty list", at)
			}
		default:
			h.Values = []string{readHeaderValue(d, at, e.value)}
		}
		headers = append(headers, h)
	}
	return headers
}

func readHeaderValue(d *decoder, path string, v *node) string {
	text := readScalar(d, path, v)
	if strings.ContainsAny(text, "\r\n") {
		d.failf(CodeBadValue, v, "%s has a line end, which no header can have", path)
	}
	return text
}

// readBody reads one chunk or a list of them; each is text, or {base64: …}.
func readBody(d *decoder, path string, v *node) []string {
	if v.kind != kindList {
		if text, ok := readChunk(d, path, v); ok {
			return []string{text}
		}
		return nil
	}
	chunks := []string{}
	for i, item := range v.items {
		if text, ok := readChunk(d, fmt.Sprintf("%s[%d]", path, i), item); ok {
			chunks = append(chunks, text)
		}
	}
	return chunks
}

func readChunk(d *decoder, path string, v *node) (text string, ok bool) {
	switch v.kind {
	case kindString:
		return v.text, true
	case kindMap:
		d.section(path, v, fields{"base64": func(_, v *node) {
			encoded, read := d.str(path+".base64", v)
			decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(encoded), ""))
			if read && err != nil {
				d.failf(CodeBadValue, v, "%s.base64 is not base64", path)
			}
			text, ok = string(decoded), read && err == nil
		}})
		if len(v.entries) == 0 {
			d.failf(CodeMissingField, v, "%s.base64 is missing", path)
		}
		return text, ok
	}
	d.is(path, v, kindString)
	return "", false
}

// readTexts reads a mapping of names to text.
func readTexts(d *decoder, path string, v *node) map[string]string {
	if !d.is(path, v, kindMap) {
		return nil
	}
	all := make(map[string]string, len(v.entries))
	for _, e := range v.entries {
		name, ok := d.filled("a key in "+path, e.key)
		if !ok {
			continue
		}
		if _, twice := all[name]; twice {
			d.fail(&Error{
				Code: CodeDuplicateKey, Message: path + " has " + brief(name) + " twice",
				Hint: "remove one of the two", Pos: e.key.pos,
			})
		}
		all[name] = readScalar(d, path+"."+brief(name), e.value)
	}
	return all
}
