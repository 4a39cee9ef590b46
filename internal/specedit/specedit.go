// Package specedit edits spec files in place. An edit replaces some bytes and leaves all others:
// comments, layout, quotes and line ends stay as the user wrote them.
//
// [Lock] and [AddTests] are pure, [LockFile] and [AddTestsFile] do the same with a file. An edit
// for which the text is not as expected changes nothing and returns an error.
package specedit

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// maxFile is larger than any spec file, in bytes.
const maxFile = 8 << 20

// A Pin is a reference of a spec with the digest that its tag leads to.
type Pin struct {
	At  spec.Position  // of the reference in the text; the file does not count
	Ref spec.Reference // with the digest
}

// LockFile writes the digests of pins into a file, as [Lock] does. A symbolic link stays a link,
// and the file keeps its permissions. After a crash the file has the old or the new text.
func LockFile(path string, pins []Pin) error {
	return editFile(path, func(text []byte) ([]byte, error) { return Lock(text, pins) })
}

// editFile replaces the text of a file. A symbolic link stays a link, and the file keeps its
// permissions.
func editFile(path string, edited func(text []byte) ([]byte, error)) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	text, err := regular.Read(path, maxFile)
	if err != nil {
		return err
	}
	next, err := edited(text)
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(path, next, info.Mode().Perm())
}

// Lock returns the text with the digests of pins. Several pins at the same place are a single
// edit: a document may take the reference over from another document. Lock does not change text.
//
// Lock returns an error if a reference is not written in the text as it is, for example because
// the text has an escape sequence for one of its letters.
func Lock(text []byte, pins []Pin) ([]byte, error) {
	var edits []edit
	for _, pin := range pins {
		e, err := editOf(text, pin)
		if err != nil {
			return nil, err
		}
		edits = append(edits, e)
	}
	slices.SortFunc(edits, func(a, b edit) int { return b.start - a.start })
	for _, e := range slices.Compact(edits) { // from the end, so that earlier offsets stay right
		text = slices.Concat(text[:e.start], []byte(e.to), text[e.end:])
	}
	return text, nil
}

// edit replaces the bytes from start to end.
type edit struct {
	start, end int
	to         string
}

// scheme may precede a reference in a spec.
const scheme = "oci://"

func editOf(text []byte, pin Pin) (edit, error) {
	start, ok := offsetOf(text, pin.At)
	if !ok {
		return edit{}, fmt.Errorf("line %d is not what was read", pin.At.Line)
	}
	if start < len(text) && (text[start] == '"' || text[start] == '\'') {
		start++
	}
	end := start
	for end < len(text) && isReferenceByte(text[end]) {
		end++
	}
	written := string(text[start:end])
	before, err := spec.ParseReference(written)
	if err != nil || before.WithDigest(pin.Ref.Digest) != pin.Ref {
		return edit{}, fmt.Errorf("the reference on line %d is not written there as it is", pin.At.Line)
	}
	to := pin.Ref.String()
	if strings.HasPrefix(written, scheme) {
		to = scheme + to
	}
	return edit{start, end, to}, nil
}

func isReferenceByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || strings.IndexByte("._-/:@[]", b) >= 0
}

// offsetOf is the byte offset of a position. The position's column counts characters.
func offsetOf(text []byte, at spec.Position) (int, bool) {
	offset := 0
	if bytes.HasPrefix(text, []byte("\ufeff")) {
		offset = len("\ufeff")
	}
	for range at.Line - 1 {
		next := bytes.IndexByte(text[offset:], '\n')
		if next < 0 {
			return 0, false
		}
		offset += next + 1
	}
	line, _, _ := bytes.Cut(text[offset:], []byte("\n"))
	column := 1
	for i := range string(line) {
		if column == at.Column {
			return offset + i, true
		}
		column++
	}
	return 0, false
}
