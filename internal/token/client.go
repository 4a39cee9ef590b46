package token

import (
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// ReadOwn reads the token that a client sends. The file has a single token, or it is a server's
// file: then its first token with the role operate is meant, or without one its first token. So a
// client beside the server can use the server's file.
func ReadOwn(path string) (string, error) {
	text, err := regular.Read(path, maxFile)
	if err != nil {
		return "", problemOf(path, err)
	}
	var lines [][]string
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 0 && !strings.HasPrefix(words[0], "#") {
			lines = append(lines, words)
		}
	}
	if len(lines) == 1 && len(lines[0]) == 1 {
		if problem := problemIn(lines[0][0]); problem != "" {
			return "", &spec.Error{Code: codeBadFile, Message: problem, Pos: spec.Position{File: path}}
		}
		return lines[0][0], nil
	}
	if _, err := Parse(path, text); err != nil {
		return "", err
	}
	first := lines[0]
	for _, words := range lines {
		if Role(words[0]) == Operate {
			first = words
			break
		}
	}
	return first[len(first)-1], nil
}
