package envoyedit

import (
	"bytes"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
)

// line returns the bytes of the line around an offset, with the line end.
func line(f *envoyconfig.File, at int) []byte { return f.Text[f.LineStart(at):f.NextLine(at)] }

// before returns the part of a line before an offset.
func before(f *envoyconfig.File, at int) string { return string(f.Text[f.LineStart(at):at]) }

// indentOf returns the indentation of the line around an offset.
func indentOf(f *envoyconfig.File, at int) string {
	text := line(f, at)
	return string(text[:len(text)-len(bytes.TrimLeft(text, " \t"))])
}

func isComment(text []byte) bool { return bytes.HasPrefix(bytes.TrimLeft(text, " \t"), []byte("#")) }

func isEmpty(text []byte) bool { return len(bytes.TrimSpace(text)) == 0 }

// above returns the start of the line of an offset, or of the comments directly above the line.
// floor is the end of the value before: the comments begin after the floor.
func above(f *envoyconfig.File, at, floor int) int {
	start := f.LineStart(at)
	for start > firstLine(f) {
		previous := f.LineStart(start - 1)
		if previous < floor || !isComment(line(f, previous)) {
			return start
		}
		start = previous
	}
	return start
}

// firstLine returns the offset of the first line, after a byte order mark.
func firstLine(f *envoyconfig.File) int {
	if mark := []byte("\ufeff"); bytes.HasPrefix(f.Text, mark) {
		return len(mark)
	}
	return 0
}

// below returns the offset of the line after a value, and after the comments that stand directly
// below and deeper than indent: they belong to the value. ok is false if there is more on the line
// of the value than a comment.
func below(f *envoyconfig.File, end, indent int) (at int, ok bool) {
	next := f.NextLine(end - 1)
	if end < next {
		if rest := f.Text[end:next]; !isEmpty(rest) && !isComment(rest) {
			return 0, false
		}
	}
	for next < len(f.Text) && isComment(line(f, next)) && len(indentOf(f, next)) > indent {
		next = f.NextLine(next)
	}
	return next, true
}

// ended says whether the text before an offset ends a line.
func ended(f *envoyconfig.File, at int) bool {
	return at == 0 || f.Text[at-1] == '\n' || f.Text[at-1] == '\r'
}

// dash returns the place of the dash before an item of a block list, or -1.
func dash(list *envoyconfig.Node, i int) int {
	text, at := list.File.Text, list.Start
	if i > 0 {
		at = max(dash(list, i-1)+1, list.Items[i-1].End)
	}
	for at < list.Items[i].Start {
		switch {
		case text[at] == '&' || text[at] == '!': // the anchor or the tag of the list
			for at < len(text) && strings.IndexByte(" \t\r\n", text[at]) < 0 {
				at++
			}
		case text[at] == '#':
			at = list.File.NextLine(at)
		case text[at] == '-':
			return at
		default:
			at++
		}
	}
	return -1
}

// opening returns the place of a flow collection's opening bracket.
func opening(n *envoyconfig.Node) int {
	return n.Start + strings.IndexAny(string(n.File.Text[n.Start:n.End]), "[{")
}

// padding returns the space inside the braces of a flow collection.
func padding(n *envoyconfig.Node) string {
	if at := opening(n); at+1 < n.End && n.File.Text[at+1] == ' ' {
		return " "
	}
	return ""
}
