package spec

import (
	"errors"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
)

// split returns the file's documents with content.
func split(file string, text []byte) (*source, []ast.Node, *Error) {
	src, normal, problem := read(file, text)
	if problem != nil {
		return nil, nil, problem
	}
	parsed, problem := parse(src, normal)
	if problem != nil {
		return nil, nil, problem
	}
	var bodies []ast.Node
	for _, document := range parsed.Docs {
		switch body := document.Body.(type) {
		case nil, *ast.CommentGroupNode, *ast.DirectiveNode:
		case *ast.NullNode:
			// "~" or "null" alone is an empty document.
		default:
			bodies = append(bodies, body)
		}
	}
	return src, bodies, nil
}

// parse runs the YAML library, which cannot be trusted with hostile text. It first refuses
// dangerous text, and reports a panic of the library as a broken file.
func parse(src *source, text string) (file *ast.File, problem *Error) {
	defer func() {
		if recover() != nil {
			file, problem = nil, &Error{
				Code: CodeBadYAML, Message: "the file is not valid YAML",
				Hint: "the parser gave up on it without naming a place", Pos: src.at(1, 1),
			}
		}
	}()
	tokens, unsure := mend(lexer.Tokenize(text))
	if unsure != nil {
		return nil, &Error{
			Code: CodeBadYAML, Message: "not valid YAML: a colon without a space after it",
			Hint: "add the space, or put the text in quotes", Pos: src.at(unsure.Position.Line, unsure.Position.Column),
		}
	}
	if problem := checkTokens(src, tokens); problem != nil {
		return nil, problem
	}
	// The decoder reports duplicate keys later: an error here would break the whole file.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxError(src, err)
	}
	return file, nil
}

func syntaxError(src *source, err error) *Error {
	e := &Error{Code: CodeBadYAML, Message: "the file is not valid YAML", Pos: src.at(1, 1)}
	var detailed yaml.Error
	if !errors.As(err, &detailed) {
		return e
	}
	// The library's own Error() quotes lines of the file, which may hold secrets.
	e.Message = "not valid YAML: " + detailed.GetMessage()
	switch {
	case strings.Contains(e.Message, `'	'`):
		e.Message = "not valid YAML: a tab stands where nothing but spaces may"
		e.Hint = "indent with spaces"
	case strings.Contains(e.Message, "mapping value is not allowed"):
		e.Hint = "check the indentation, and put text that contains ': ' in quotes"
	}
	if token := detailed.GetToken(); token != nil && token.Position != nil {
		e.Pos = src.at(token.Position.Line, token.Position.Column)
	}
	return e
}
