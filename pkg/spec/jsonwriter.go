package spec

import (
	"bytes"
	"encoding/json"
	"strings"
)

// jsonWriter writes nodes as compact JSON, with the original order of keys and literals of numbers.
type jsonWriter struct {
	bytes.Buffer
	problems *problems
	path     string
	good     bool
	doubles  bool // a double must hold each number exactly
}

func (w *jsonWriter) fail(code string, at *node, message, hint string) {
	w.good = false
	w.problems.fail(&Error{Code: code, Message: w.path + ": " + message, Hint: hint, Pos: at.pos})
}

func (w *jsonWriter) write(n *node) {
	switch n.kind {
	case kindInvalid:
		w.good = false
	case kindNull:
		w.WriteString("null")
	case kindBool:
		w.WriteString(strings.ToLower(n.text))
	case kindNumber:
		w.number(n)
	case kindString:
		w.string(n.text)
	case kindList:
		w.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				w.WriteByte(',')
			}
			w.write(item)
		}
		w.WriteByte(']')
	case kindMap:
		w.mapping(n)
	}
}

func (w *jsonWriter) mapping(n *node) {
	seen := make(map[string]bool, len(n.entries))
	w.WriteByte('{')
	for i, e := range n.entries {
		switch {
		case e.key.kind == kindInvalid:
			w.good = false
		case e.key.kind != kindString:
			w.fail(CodeWrongType, e.key, "a key must be a string, not "+e.key.kind.String(), "put it in quotes")
		case seen[e.key.text]:
			w.fail(CodeDuplicateKey, e.key, "the mapping has this key already", "remove one of the two")
		}
		seen[e.key.text] = true
		if i > 0 {
			w.WriteByte(',')
		}
		w.string(e.key.text)
		w.WriteByte(':')
		w.write(e.value)
	}
	w.WriteByte('}')
}

func (w *jsonWriter) string(text string) {
	encoder := json.NewEncoder(&w.Buffer)
	encoder.SetEscapeHTML(false)
	// A bytes.Buffer accepts all writes, and a string always has a JSON form.
	_ = encoder.Encode(text)
	w.Truncate(w.Len() - 1) // the line feed
}

func (w *jsonWriter) number(n *node) {
	text := n.text
	if jsonNumber.MatchString(text) && (!w.doubles || len(text) <= maxNumber) {
		w.literal(n, text)
		return
	}
	switch {
	case len(text) > maxNumber:
		w.fail(CodeBadValue, n, "the number is too long", "put it in quotes")
	case yamlNotFinite.MatchString(text):
		w.fail(CodeBadValue, n, "JSON has no infinity and no NaN", "put it in quotes, or use null")
	default:
		converted, ok := convertNumber(text)
		if !ok {
			w.fail(CodeBadValue, n, "a number with a leading 0 is octal to some readers and decimal to others",
				"put it in quotes, or write 0o… for octal")
			return
		}
		w.literal(n, converted)
	}
}

// literal writes a number of JSON.
func (w *jsonWriter) literal(n *node, text string) {
	if w.doubles {
		if _, ok := double(text); !ok {
			w.fail(CodeBadValue, n, notADouble, doubleAdvice)
		}
	}
	w.WriteString(text)
}
