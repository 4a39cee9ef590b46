package spec

import (
	"fmt"

	"github.com/goccy/go-yaml/token"
)

// maxPathBytes bounds the paths that the YAML parser keeps for every node.
const maxPathBytes = 64 << 20

// checkTokens refuses text that would make the parser recurse too deep, take too long or use too
// much memory. It needs to know only where nesting begins and ends.
func checkTokens(src *source, tokens token.Tokens) *Error {
	var n nesting
	documents, count, properties, paths := 1, 0, 0, 0
	tooLarge := func(tk *token.Token, message, hint string) *Error {
		return &Error{
			Code: CodeTooLarge, Message: message, Hint: hint,
			Pos: src.at(tk.Position.Line, tk.Position.Column),
		}
	}
	for i, tk := range tokens {
		if tk.Type == token.CommentType {
			continue
		}
		if count++; count > maxTokens {
			return tooLarge(tk, fmt.Sprintf("the file has more than %d pieces of YAML", maxTokens),
				largeConfigAdvice)
		}
		switch tk.Type {
		case token.TagType, token.AnchorType:
			// Each token of a row of them is a level of the parser's recursion.
			if properties++; properties > maxDepth {
				return tooLarge(tk, "too many tags and anchors in a row", "")
			}
			continue
		case token.DocumentHeaderType:
			n = nesting{}
			if documents++; documents > maxDocuments+1 {
				return tooLarge(tk, fmt.Sprintf("the file has more than %d documents", maxDocuments),
					"spread them over several files")
			}
		}
		if i == 0 || tokens[i-1].Type != token.AnchorType {
			properties = 0
		}
		isKey := i+1 < len(tokens) && tokens[i+1].Type == token.MappingValueType
		n.take(tk, isKey)
		if len(n.levels) > maxDepth {
			return tooLarge(tk, fmt.Sprintf("nested more than %d levels deep", maxDepth), "")
		}
		if paths += n.path(); paths > maxPathBytes {
			return tooLarge(tk, "too many values under keys that are too long",
				largeConfigAdvice)
		}
	}
	return nil
}

// nesting is the place of a token in a document.
type nesting struct {
	levels []level
	flow   int // how many of levels are brackets
}

type level struct {
	column int  // of a block key or a dash; 0 for a bracket
	dash   bool // a sequence's, not a mapping's
	path   int  // the length of the keys up to here
}

// path is the length of the keys that lead here.
func (n *nesting) path() int {
	if len(n.levels) == 0 {
		return 0
	}
	return n.levels[len(n.levels)-1].path
}

func (n *nesting) take(tk *token.Token, isKey bool) {
	switch tk.Type {
	case token.MappingStartType, token.SequenceStartType:
		n.flow++
		n.levels = append(n.levels, level{path: n.path() + 8})
	case token.MappingEndType, token.SequenceEndType:
		if n.flow > 0 {
			n.flow--
			n.closeBlocks(0, false)
			n.levels = n.levels[:len(n.levels)-1]
		}
	case token.SequenceEntryType, token.MappingKeyType:
		n.enter(tk.Position.Column, tk.Type == token.SequenceEntryType, 8)
	default:
		if isKey {
			n.enter(tk.Position.Column, false, len(tk.Value)+8)
		}
	}
}

// enter begins a block entry, and ends the open entries at the same or a higher column.
func (n *nesting) enter(column int, dash bool, path int) {
	if n.flow > 0 {
		// Keys of a flow mapping do not nest by column: each ends with its value.
		n.closeBlocks(0, false)
		n.levels = append(n.levels, level{column: 1, path: n.path() + path})
		return
	}
	n.closeBlocks(column, dash)
	n.levels = append(n.levels, level{column: column, dash: dash, path: n.path() + path})
}

// closeBlocks ends the innermost block entries before an entry at column. A dash may stand at the
// column of its own key.
func (n *nesting) closeBlocks(column int, dash bool) {
	for len(n.levels) > 0 {
		top := n.levels[len(n.levels)-1]
		if top.column == 0 || top.column < column || (dash && !top.dash && top.column == column) {
			return
		}
		n.levels = n.levels[:len(n.levels)-1]
	}
}
