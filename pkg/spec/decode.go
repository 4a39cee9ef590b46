package spec

import (
	"bytes"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml/ast"
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
		defaultName = nameOfFile(file)
	}
	for _, body := range bodies {
		described, problems := decodeDocument(src, body, defaultName)
		specs = append(specs, described...)
		errs = append(errs, problems...)
	}
	return specs, errs, false
}

// decodeDocument decodes the document with this body, and returns its valid specs and its errors. A
// document of another system may describe several filters. defaultName is the name for a document
// without a name; "" means the document must name itself.
func decodeDocument(src *source, body ast.Node, defaultName string) (specs []*Spec, errs []*Error) {
	found := &problems{}
	root := (&builder{source: src, problems: found, anchors: map[string]*node{}}).tree(body)
	if len(found.errs) > 0 || !isManifestList(root) {
		return decodeTree(src, root, found, defaultName)
	}
	for _, item := range itemsOf(found, root) {
		described, problems := decodeTree(src, item, &problems{}, "")
		specs, errs = append(specs, described...), append(errs, problems...)
	}
	return specs, append(errs, found.errs...)
}

// decodeTree decodes a document, or an item of a list of manifests.
func decodeTree(src *source, root *node, found *problems, defaultName string) (specs []*Spec, errs []*Error) {
	if kind := foreignOf(root); kind != nil && len(found.errs) == 0 {
		return decodeForeign(src, root, kind, defaultName)
	}
	d := &document{
		decoder:     &decoder{problems: found, file: src.file, seen: map[string]*node{}, meant: map[string]bool{}},
		defaultName: defaultName,
		spec:        &Spec{File: src.file, Line: root.pos.Line},
	}
	if manifest := kubernetesError(src.file, root); manifest != nil {
		// Without a name, no filter appears that the file never described, and the file's earlier
		// filters stay.
		d.fail(manifest)
	} else {
		d.read(root)
		d.spec.Notes = d.sortedNotes(d.spec.Name)
	}
	if errs = d.sortedErrors(d.known); len(errs) > 0 {
		return nil, errs
	}
	return []*Spec{d.spec}, nil
}

// nameOfFile is the name of a filter in a file that gives it no name.
func nameOfFile(file string) string {
	name := filepath.Base(file)
	for _, extension := range []string{".yaml", ".yml", ".json"} {
		name = strings.TrimSuffix(name, extension)
	}
	return name
}
