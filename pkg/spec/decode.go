package spec

import (
	"bytes"
	"path/filepath"
	"strings"
)

// Decode splits one YAML file into its documents and decodes each. file is the path for errors, and
// the base of the relative paths in text. A relative file is relative to the working directory.
//
// A document with problems yields all of them at once and no Spec, and does not affect the file's
// other documents. Decode skips empty documents. If the file cannot be split, broken is true, errs
// gives the reason, and nothing is known of its documents. Decode does not compare names between
// documents.
func Decode(file string, text []byte) (specs []*Spec, errs []*Error, broken bool) {
	if len(bytes.TrimSpace(text)) == 0 {
		// An editor or a copy has created the file and not written it yet: its content is unknown,
		// not gone.
		return nil, []*Error{{
			Code: CodeEmptyFile, Message: "the file is empty", Hint: "write a spec, or delete the file to remove its filters",
			Pos: Position{File: file, Line: 1, Column: 1},
		}}, true
	}
	src, bodies, err := split(file, text)
	if err != nil {
		return nil, []*Error{err}, true
	}
	defaultName := ""
	if len(bodies) == 1 {
		defaultName = strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), ".yaml"), ".yml")
	}
	for _, body := range bodies {
		s, problems := decodeDocument(src, body, defaultName)
		if len(problems) == 0 {
			specs = append(specs, s)
		}
		errs = append(errs, problems...)
	}
	return specs, errs, false
}
