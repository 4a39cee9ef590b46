package spec

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Native is a filter of another system's document as a native spec.
type Native struct {
	Name string // of the filter; "" if the document gives it none
	// Text is a YAML document. Its comments begin with "decide:", and say where a person has to
	// decide: a field without effect, one that a spec cannot obey, or a missing one.
	Text string
	Line int // of the filter in the foreign document, 1-based
}

// Convert turns the foreign documents of a file into native specs, which [Decode] reads with the
// same result. It leaves out native specs. file and broken are as in [Decode], and "-" is a file
// without a name. A field that cannot be obeyed is a comment here, and no error.
func Convert(file string, text []byte) (all []Native, errs []*Error, broken bool) {
	src, bodies, problem := split(file, text)
	if problem != nil {
		return nil, []*Error{problem}, true
	}
	defaultName := ""
	if len(bodies) == 1 && file != "-" {
		defaultName = nameOfFile(file)
	}
	for _, body := range bodies {
		converted, problems := convertDocument(src, body, defaultName)
		all, errs = append(all, converted...), append(errs, problems...)
	}
	markTaken(all)
	return all, errs, false
}

// markTaken adds a comment to each filter with a name that the file has already.
func markTaken(all []Native) {
	first := map[string]int{}
	for i, one := range all {
		line, taken := first[one.Name]
		if taken && one.Name != "" {
			text := fmt.Sprintf("decide: line %d: the name %s is taken already, at line %d (give one of them another name)", one.Line, one.Name, line)
			all[i].Text = "# " + strings.Join(wrapped(text, commentWidth), "\n# ") + "\n" + one.Text
			continue
		}
		first[one.Name] = one.Line
	}
}

func convertDocument(src *source, body ast.Node, defaultName string) (all []Native, errs []*Error) {
	found := &problems{}
	root := (&builder{source: src, problems: found, anchors: map[string]*node{}}).tree(body)
	if len(found.errs) > 0 {
		return nil, found.sortedErrors("")
	}
	if !isManifestList(root) {
		return convertTree(src, root, defaultName)
	}
	for _, item := range itemsOf(found, root) {
		converted, problems := convertTree(src, item, "")
		all, errs = append(all, converted...), append(errs, problems...)
	}
	return all, append(errs, found.errs...)
}

func convertTree(src *source, root *node, defaultName string) (all []Native, errs []*Error) {
	kind := foreignOf(root)
	if kind == nil {
		if manifest := kubernetesError(src.file, root); manifest != nil {
			return nil, []*Error{manifest}
		}
		return nil, nil
	}
	f := &foreign{decoder: foreignDecoder(src.file), defaultName: defaultName}
	kind.read(f, root)
	if len(f.filters) == 0 {
		return nil, f.sortedErrors("")
	}
	for i, n := range f.filters {
		one, problems := n.convert(f)
		if i > 0 && n.decoder != f.decoder {
			problems = without(problems, f.errs) // reported with the first filter
		}
		if one != nil {
			all = append(all, *one)
		}
		errs = append(errs, problems...)
	}
	return all, errs
}

// convert writes the filter as a native spec. Errors that no person can mend in the native spec
// remain errors.
func (n *native) convert(f *foreign) (*Native, []*Error) {
	name := n.name()
	if n.root.at("name") == nil && name != "" {
		n.root.entries = append(n.root.entries, entry{key: text("name", n.root), value: text(name, n.root)})
	}
	remarks := append([]Error{}, f.notes...)
	problems := append([]*Error{}, f.errs...)
	if n.decoder != f.decoder {
		remarks = append(remarks, n.notes...)
		problems = append(problems, n.errs...)
	}
	if len(problems) == 0 {
		_, problems = n.decode(f)
	}
	var errs []*Error
	for _, e := range problems {
		missing := e.Code == CodeMissingField && n.root.at("module") != nil
		if e.Code == CodeForeignUnsupported && len(n.root.entries) > 1 && !n.notWasm || missing {
			remarks = append(remarks, *e)
			continue
		}
		errs = append(errs, e)
	}
	if len(errs) > 0 {
		return nil, errs
	}
	w := nativeWriter{comments: map[Position][]string{}}
	for _, one := range remarks {
		w.comments[one.Pos] = append(w.comments[one.Pos], remark(one))
	}
	return &Native{Name: name, Text: w.document(n.root), Line: n.root.pos.Line}, nil
}

// remark is the text of a comment.
func remark(e Error) string {
	line := fmt.Sprintf("decide: line %d: %s", e.Pos.Line, e.Message)
	if e.Hint != "" {
		line += " (" + e.Hint + ")"
	}
	return line
}

func without(all, dropped []*Error) []*Error {
	var kept []*Error
	for _, e := range all {
		found := false
		for _, other := range dropped {
			found = found || e == other
		}
		if !found {
			kept = append(kept, e)
		}
	}
	return kept
}
