package spec

import (
	"cmp"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// nativeWriter writes the tree of a native document as YAML.
type nativeWriter struct {
	b        strings.Builder
	comments map[Position][]string // by the position of a key
}

// nativeOrder is the order of the fields in a written document.
func nativeOrder() []string {
	return []string{
		"name", "type", "module", "rootId", "configType", "config", "failurePolicy", "reloadBackoff",
		"vm", "allowOnHeadersStopIteration", "capabilities", "nodes",
	}
}

// document writes the document. Comments about no field of it stand at its beginning.
func (w *nativeWriter) document(root *node) string {
	order := nativeOrder()
	entries := slices.SortedStableFunc(slices.Values(root.entries), func(a, b entry) int {
		return cmp.Compare(slices.Index(order, a.key.text), slices.Index(order, b.key.text))
	})
	here := map[Position]bool{}
	positions(entries, here)
	for _, at := range slices.SortedFunc(maps.Keys(w.comments), byPosition) {
		if !here[at] {
			w.comment(at, "")
		}
	}
	w.mapping(entries, "")
	return w.b.String()
}

func positions(entries []entry, into map[Position]bool) {
	for _, e := range entries {
		into[e.key.pos] = true
		positions(e.value.entries, into)
	}
}

// commentWidth is the width of a comment without its mark, in characters.
const commentWidth = 96

// comment writes the comments of a position once.
func (w *nativeWriter) comment(at Position, indent string) {
	for _, text := range w.comments[at] {
		for _, line := range wrapped(text, commentWidth-len(indent)) {
			w.b.WriteString(indent + "# " + line + "\n")
		}
	}
	delete(w.comments, at)
}

// wrapped breaks text into lines of at most width characters, at spaces.
func wrapped(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

func (w *nativeWriter) mapping(entries []entry, indent string) {
	for _, e := range entries {
		w.comment(e.key.pos, indent)
		w.b.WriteString(indent + yamlText(e.key.text) + ":")
		w.value(e.value, indent)
	}
}

// value writes a value behind the colon of its key.
func (w *nativeWriter) value(n *node, indent string) {
	switch {
	case n.kind == kindMap && len(n.entries) > 0:
		w.b.WriteString("\n")
		w.mapping(n.entries, indent+"  ")
	case n.kind == kindList && len(n.items) > 0:
		w.b.WriteString("\n")
		for _, item := range n.items {
			w.item(item, indent)
		}
	case n.kind == kindString && literal(n.text):
		w.b.WriteString(" |\n")
		for line := range strings.SplitSeq(strings.TrimSuffix(n.text, "\n"), "\n") {
			if line != "" {
				line = indent + "  " + line
			}
			w.b.WriteString(line + "\n")
		}
	default:
		w.b.WriteString(" " + scalarText(n) + "\n")
	}
}

// item writes an item of a list.
func (w *nativeWriter) item(n *node, indent string) {
	w.b.WriteString(indent + "- ")
	switch {
	case n.kind == kindMap && len(n.entries) > 0:
		inner := nativeWriter{comments: w.comments}
		inner.mapping(n.entries, indent+"  ")
		w.b.WriteString(strings.TrimPrefix(inner.b.String(), indent+"  "))
	case n.kind == kindMap || n.kind == kindList:
		w.b.WriteString(jsonText(n) + "\n")
	default:
		w.b.WriteString(scalarText(n) + "\n")
	}
}

// literalText matches the texts that a literal block holds unchanged.
var literalText = regexp.MustCompile(`^[\x21-\x7e][\x20-\x7e\n]*[\x21-\x7e]\n$`)

func literal(text string) bool { return literalText.MatchString(text) }

// scalarText writes a scalar, an empty mapping or an empty list.
func scalarText(n *node) string {
	switch n.kind {
	case kindMap:
		return "{}"
	case kindList:
		return "[]"
	case kindString:
		return yamlText(n.text)
	case kindNull:
		return "null"
	default:
		return n.text
	}
}

// jsonText writes a value in flow style.
func jsonText(n *node) string {
	var parts []string
	switch {
	case n.kind == kindMap:
		for _, e := range n.entries {
			parts = append(parts, quotedText(e.key.text)+": "+jsonText(e.value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case n.kind == kindList:
		for _, item := range n.items {
			parts = append(parts, jsonText(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case n.kind == kindString:
		return quotedText(n.text)
	default:
		return scalarText(n)
	}
}

var plainText = regexp.MustCompile(`^[A-Za-z_./][A-Za-z0-9_./-]*(:[A-Za-z0-9_./-]+|//[A-Za-z0-9_./-]+)*(@sha256:[0-9a-f]{64})?$`)

var durationText = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,9})?(ns|us|ms|s|m|h)$`)

// yamlText writes a string, without quotes where no reader takes it for anything else.
func yamlText(s string) string {
	words := []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n", ".", "..", ".inf", ".nan"}
	if durationText.MatchString(s) || plainText.MatchString(s) && plainKind(s) == kindString && !slices.Contains(words, strings.ToLower(s)) {
		return s
	}
	return quotedText(s)
}

// quotedText writes a string of JSON, which is a string of YAML, too.
func quotedText(s string) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a string always has a JSON form
	return strings.TrimSuffix(b.String(), "\n")
}
