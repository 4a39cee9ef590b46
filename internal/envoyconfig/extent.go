package envoyconfig

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// extent returns the offset after a node. The start and the children are known: the YAML library
// has the starts.
func extent(n *Node, from *yaml.Node) int {
	text := n.File.Text
	switch {
	case (n.Kind == Map || n.Kind == List) && n.Flow:
		return afterBracket(text, lastEnd(n, afterProperties(text, n.Start)+1))
	case n.Kind == Map || n.Kind == List:
		return lastEnd(n, n.Start)
	case from.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return afterBlock(n.File, afterProperties(text, n.Start))
	}
	start := afterProperties(text, n.Start)
	switch {
	case from.Style&yaml.DoubleQuotedStyle != 0:
		return afterQuotes(text, start, '"')
	case from.Style&yaml.SingleQuotedStyle != 0:
		return afterQuotes(text, start, '\'')
	case from.Value == "":
		return n.Start // an empty value
	default:
		return afterPlain(text, start, from.Value)
	}
}

// lastEnd returns the end of the last child, or empty if there is none.
func lastEnd(n *Node, empty int) int {
	switch {
	case len(n.Entries) > 0:
		last := n.Entries[len(n.Entries)-1]
		return max(last.Key.End, last.Value.End)
	case len(n.Items) > 0:
		return max(empty, n.Items[len(n.Items)-1].End)
	default:
		return empty
	}
}

// afterProperties skips an anchor and a tag, and the space after them.
func afterProperties(text []byte, at int) int {
	for at < len(text) && (text[at] == '&' || text[at] == '!') {
		for at < len(text) && !isBlank(text[at]) {
			at++
		}
		at = skipSpace(text, at)
	}
	return at
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

// skipSpace skips blanks, line ends and comments.
func skipSpace(text []byte, at int) int {
	for at < len(text) {
		switch {
		case isBlank(text[at]):
			at++
		case text[at] == '#' && (at == 0 || isBlank(text[at-1])):
			end := bytes.IndexByte(text[at:], '\n')
			if end < 0 {
				return len(text)
			}
			at += end
		default:
			return at
		}
	}
	return at
}

// afterBracket returns the offset after the closing bracket of a collection. at lies after the last
// child, or after the opening bracket.
func afterBracket(text []byte, at int) int {
	for {
		next := skipSpace(text, at)
		switch {
		case next >= len(text):
			return len(text)
		case text[next] == ']' || text[next] == '}':
			return next + 1
		}
		at = next + 1 // a comma, or the colon of an empty value
	}
}

func afterQuotes(text []byte, at int, quote byte) int {
	for at++; at < len(text); at++ {
		switch {
		case text[at] == '\\' && quote == '"':
			at++
		case text[at] == quote && quote == '\'' && at+1 < len(text) && text[at+1] == quote:
			at++
		case text[at] == quote:
			return at + 1
		}
	}
	return len(text)
}

// afterPlain follows the words of a plain scalar, which may stand on several lines.
func afterPlain(text []byte, at int, value string) int {
	for _, word := range strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == '\n' || r == '\t' }) {
		for at < len(text) && isBlank(text[at]) {
			at++
		}
		if !bytes.HasPrefix(text[at:], []byte(word)) {
			return at
		}
		at += len(word)
	}
	return at
}

// afterBlock returns the end of a literal or folded scalar, without the empty lines at the end. at
// is the place of the | or >.
func afterBlock(f *File, at int) int {
	end, indent := lineEnd(f, at), -1
	for line := f.NextLine(at); line < len(f.Text); line = f.NextLine(line) {
		next := lineEnd(f, line)
		content := bytes.TrimLeft(f.Text[line:next], " ")
		if len(content) == 0 {
			continue
		}
		here := next - line - len(content)
		if indent < 0 {
			indent = here
			if indent == 0 || here <= keyIndent(f, at) {
				return end
			}
		}
		if here < indent {
			return end
		}
		end = next
	}
	return end
}

// keyIndent returns the indentation of the line with an offset.
func keyIndent(f *File, at int) int {
	line := f.Text[f.LineStart(at):at]
	return len(line) - len(bytes.TrimLeft(line, " "))
}

// lineEnd returns the end of the line with an offset, before the line break.
func lineEnd(f *File, at int) int {
	next := f.NextLine(at)
	for next > at {
		r, size := utf8.DecodeLastRune(f.Text[at:next])
		if r != '\n' && r != '\r' && r != 0x85 && r != 0x2028 && r != 0x2029 {
			break
		}
		next -= size
	}
	return next
}
