package envoyedit

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
)

// style is how a file is written.
type style struct {
	newline string // "\n" or "\r\n"
	json    bool   // the file is JSON
	unit    string // the indentation of a level, in JSON
	colon   string // between a key and a value in a flow collection
	comma   string // between items on the same line
	compact bool   // JSON with small collections on a line each, and large collections on several
}

// onOneLine matches a collection of JSON with content on a single line.
var onOneLine = regexp.MustCompile(`[{\[][^{}\[\]\n]*[^\s{}\[\]][^{}\[\]\n]*[}\]]`)

// jsonWidth is the width of the longest collection on a single line in JSON.
const jsonWidth = 90

func styleOf(text []byte) style {
	s := style{newline: "\n", unit: "  ", colon: ": ", comma: ", "}
	if at := bytes.IndexByte(text, '\n'); at > 0 && text[at-1] == '\r' {
		s.newline = "\r\n"
	}
	if s.json = json.Valid(text); !s.json {
		return s
	}
	s.compact = onOneLine.Match(text)
	for line := range bytes.Lines(text) {
		if indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]; len(indent) > 0 {
			s.unit = string(indent)
			break
		}
	}
	if !bytes.Contains(text, []byte(`": `)) {
		s.colon, s.comma = ":", ","
	}
	return s
}

// block indents a text in block style, all lines by the same width.
func (s style) block(text string, indent int) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line != "" {
			out.WriteString(strings.Repeat(" ", indent) + line)
		}
		out.WriteString(s.newline)
	}
	return out.String()
}

// flow renders a tree inside a flow collection. pad is the space inside braces. JSON on several
// lines has base as the indentation of the first line.
func (s style) flow(n *envoyconfig.Node, pad, base string, lines bool) string {
	one := s.line(n, pad)
	if !s.json || !lines || len(n.Entries)+len(n.Items) == 0 || s.compact && len(base)+len(one) <= jsonWidth {
		return one
	}
	inner, begin, end := base+s.unit, "{", "}"
	var parts []string
	for _, e := range n.Entries {
		parts = append(parts, s.scalar(e.Key)+": "+s.flow(e.Value, pad, inner, true))
	}
	for _, item := range n.Items {
		begin, end = "[", "]"
		parts = append(parts, s.flow(item, pad, inner, true))
	}
	return begin + s.newline + inner + strings.Join(parts, ","+s.newline+inner) + s.newline + base + end
}

// line renders a tree on a single line.
func (s style) line(n *envoyconfig.Node, pad string) string {
	switch n.Kind {
	case envoyconfig.Map:
		var parts []string
		for _, e := range n.Entries {
			parts = append(parts, s.field(e, pad))
		}
		if len(parts) == 0 {
			return "{}"
		}
		return "{" + pad + strings.Join(parts, s.comma) + pad + "}"
	case envoyconfig.List:
		var parts []string
		for _, item := range n.Items {
			parts = append(parts, s.line(item, pad))
		}
		return "[" + strings.Join(parts, s.comma) + "]"
	default:
		return s.scalar(n)
	}
}

func (s style) field(e envoyconfig.Entry, pad string) string {
	return s.scalar(e.Key) + s.colon + s.line(e.Value, pad)
}

// plain matches texts, also in a flow collection, that every YAML reader takes for a string.
var plain = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`)

// notPlain look like plain texts, but some YAML readers take them for a bool or null.
var notPlain = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}

func (s style) scalar(n *envoyconfig.Node) string {
	switch {
	case n.Kind == envoyconfig.Null:
		return "null"
	case n.Kind != envoyconfig.String:
		return n.Text
	case !s.json && plain.MatchString(n.Text) && !slices.Contains(notPlain, strings.ToLower(n.Text)):
		return n.Text
	case !s.json && duration.MatchString(n.Text):
		return n.Text
	}
	return envoyconfig.Quote(n.Text)
}

var duration = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?s$`)
