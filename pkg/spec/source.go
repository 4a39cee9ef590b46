package spec

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// The limits of a file. They are far above the size of handwritten files, and low enough to decode
// any file in about a second with little memory.
const (
	maxFileSize  = 1 << 20 // bytes
	maxDocuments = 500
	maxTokens    = 50_000 // of YAML; the parser's time grows with their square
	maxDepth     = 64     // of nesting, aliases expanded
)

// MaxConfigFile is the size of the largest file that configFrom may name, in bytes. Envoy takes far
// more.
// See docs/RATIONALE.md#why-does-configfrom-take-16-mib.
const MaxConfigFile = 16 << 20

// largeConfigAdvice is the hint for a file that is too large.
const largeConfigAdvice = "put a large configuration into a file of its own, of at most 16 MiB, and name it with configFrom"

// source is a file during decoding.
type source struct {
	file  string
	lines []int // the length of each line, in characters
}

// at returns a position inside the file. The parser's own position is off by some columns after
// escapes, and by a line after some block scalars.
func (s *source) at(line, column int) Position {
	line = min(max(line, 1), len(s.lines))
	column = min(max(column, 1), s.lines[line-1]+1)
	return Position{File: s.file, Line: line, Column: column}
}

// read checks the size and encoding of text, and makes every line end in a line feed, as YAML
// requires in scalars.
func read(file string, text []byte) (*source, string, *Error) {
	src := &source{file: file, lines: []int{0}}
	if len(text) > maxFileSize {
		return nil, "", &Error{
			Code:    CodeTooLarge,
			Message: fmt.Sprintf("the file has %d bytes, more than the %d that a spec may have", len(text), maxFileSize),
			Hint:    largeConfigAdvice,
			Pos:     src.at(1, 1),
		}
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	line, column := 1, 0
	for rest := text; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		column++
		switch {
		case r == '\n':
			src.lines = append(src.lines, 0)
			line, column = line+1, 0
		case r == utf8.RuneError && size == 1:
			return nil, "", &Error{
				Code: CodeBadYAML, Message: "the file is not UTF-8 text", Hint: "save it as UTF-8",
				Pos: Position{File: file, Line: line, Column: column},
			}
		case r < ' ' && r != '\t', r == 0x7f:
			return nil, "", &Error{
				Code: CodeBadYAML, Message: fmt.Sprintf("the control character %U is not allowed in YAML", r),
				Hint: `write it as an escape in double quotes, as in "\x00"`,
				Pos:  Position{File: file, Line: line, Column: column},
			}
		default:
			src.lines[line-1]++
		}
		rest = rest[size:]
	}
	return src, string(text), nil
}
