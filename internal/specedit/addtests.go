package specedit

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// AddTestsFile adds tests to the spec with a name in a file, as [AddTests] does. The file is
// replaced as [LockFile] replaces it.
func AddTestsFile(path, name string, tests []byte) error {
	return editFile(path, func(text []byte) ([]byte, error) { return AddTests(text, name, tests) })
}

// AddTests returns the text with more tests at the end of a spec's tests. tests is a list in YAML
// with its items at the begin of a line. All other bytes stay as they are.
//
// AddTests returns an error if the text has no spec with the name, or writes its tests in the flow
// style.
func AddTests(text []byte, name string, tests []byte) ([]byte, error) {
	before, _, _ := spec.Decode("spec", text)
	at := slices.IndexFunc(before, func(s *spec.Spec) bool { return s.Name == name })
	if at < 0 {
		return nil, fmt.Errorf("there is no spec with the name %s", name)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	end := documentEnd(lines, before[at].Line)
	place, indent, found := testsEnd(lines, before[at].Line-1, end)
	var added []byte
	if place > 0 && !bytes.HasSuffix(lines[place-1], []byte("\n")) {
		added = append(added, '\n')
	}
	if !found {
		added = append(added, "tests:\n"...)
	}
	for line := range bytes.Lines(tests) {
		if len(bytes.TrimSpace(line)) > 0 {
			added = append(added, indent...)
		}
		added = append(added, line...)
	}
	edited := slices.Concat(bytes.Join(lines[:place], nil), added, bytes.Join(lines[place:], nil))
	return edited, proveTests(before, edited, at)
}

// proveTests returns an error unless an edit has added tests to a spec, and changed no other.
func proveTests(before []*spec.Spec, edited []byte, at int) error {
	after, errs, _ := spec.Decode("spec", edited)
	if len(errs) > 0 || len(after) != len(before) {
		return errors.New("its tests are not a list with one item below the other")
	}
	for i, s := range after {
		was := before[i].Tests
		if s.Name != before[i].Name || len(s.Tests) < len(was) || (len(s.Tests) > len(was)) != (i == at) {
			return errors.New("its tests are not at a place of their own")
		}
	}
	return nil
}

// documentEnd is the number of lines before the end of the document with a line.
func documentEnd(lines [][]byte, line int) int {
	for i := line; i < len(lines); i++ {
		if bytes.HasPrefix(lines[i], []byte("---")) || bytes.HasPrefix(lines[i], []byte("...")) {
			return i
		}
	}
	return len(lines)
}

// testsEnd finds the end of the list of tests between two lines, and the indent of its items. found
// is false if there is no list yet: then place is the end of the document.
func testsEnd(lines [][]byte, from, to int) (place int, indent []byte, found bool) {
	seen := false // an item
	for i := from; i < to; i++ {
		line := lines[i]
		blank := len(bytes.TrimSpace(line)) == 0 || bytes.TrimSpace(line)[0] == '#'
		switch {
		case bytes.HasPrefix(line, []byte("tests:")):
			found, place = true, i+1
		case blank:
		case found && line[0] != ' ' && line[0] != '-':
			return place, indent, true
		default:
			if item := bytes.TrimLeft(line, " "); found && item[0] == '-' && !seen {
				seen, indent = true, line[:len(line)-len(item)]
			}
			place = i + 1
		}
	}
	return place, indent, found
}
