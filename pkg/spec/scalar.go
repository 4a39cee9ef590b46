package spec

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// The YAML library returns a wrong text for some scalars. It drops tabs, keeps the line ends of
// plain scalars, takes comments for a part of them, and loses spaces before a chomped end. A
// configuration must arrive as written, so the functions here read the scalar's source (its token's
// Origin).

// flowText returns the text of a plain or quoted scalar. The result is false for a plain scalar
// that has swallowed a comment.
func flowText(tk *token.Token) (text string, ok bool) {
	source := strings.Trim(tk.Origin, " \t\n")
	switch tk.Type {
	case token.DoubleQuoteType:
		return tk.Value, true
	case token.SingleQuoteType:
		if len(source) < 2 || !strings.Contains(source, "\n") {
			return tk.Value, true
		}
		return strings.ReplaceAll(fold(source[1:len(source)-1]), "''", "'"), true
	}
	for line := range strings.SplitSeq(source, "\n") {
		line = strings.Trim(line, " \t")
		if strings.HasPrefix(line, "#") || strings.Contains(line, " #") || strings.Contains(line, "\t#") {
			return "", false
		}
	}
	return fold(source), true
}

// fold joins the lines of a flow scalar. A line end becomes a space, and a line end with n empty
// lines after it becomes n line feeds. fold drops blanks around line ends.
func fold(source string) string {
	lines := strings.Split(source, "\n")
	var b strings.Builder
	empty := 0
	for i, line := range lines {
		if i > 0 {
			line = strings.TrimLeft(line, " \t")
		}
		if i < len(lines)-1 {
			line = strings.TrimRight(line, " \t")
		}
		if line == "" && i > 0 && i < len(lines)-1 {
			empty++
			continue
		}
		if i > 0 && empty == 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strings.Repeat("\n", empty))
		b.WriteString(line)
		empty = 0
	}
	return b.String()
}

// blockText returns the text of a literal or folded scalar.
func blockText(n *ast.LiteralNode) string {
	text := n.Value.Value
	if !strings.Contains(n.GetToken().Value, "-") || text == "" {
		return text
	}
	last := strings.TrimRight(n.Value.GetToken().Origin, "\n")
	last = last[strings.LastIndexByte(last, '\n')+1:]
	blanks := last[len(strings.TrimRight(last, " \t")):]
	if blanks == last {
		return text // a line of blanks, which belongs to the end
	}
	return strings.TrimRight(text, " \t") + blanks
}
