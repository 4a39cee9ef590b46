package spec

import (
	"fmt"
	"path/filepath"
)

// maxKeys is the largest number of public keys that a spec may name.
const maxKeys = 32

// readFileRefs reads a list of paths; see readFileRef.
func readFileRefs(d *decoder, path string, v *node) []*FileRef {
	if !d.is(path, v, kindList) {
		return nil
	}
	if len(v.items) == 0 || len(v.items) > maxKeys {
		d.failf(CodeBadValue, v, "%s has %d files, and must have 1 to %d", path, len(v.items), maxKeys)
		return nil
	}
	var all []*FileRef
	for i, item := range v.items {
		if ref := readFileRef(d, fmt.Sprintf("%s[%d]", path, i), item); ref != nil {
			all = append(all, ref)
		}
	}
	return all
}

// readFileRef reads a path, which is relative to the spec's own file.
func readFileRef(d *decoder, path string, v *node) *FileRef {
	text, ok := d.filled(path, v)
	if !ok {
		return nil
	}
	full := text
	if !filepath.IsAbs(text) {
		full = filepath.Join(filepath.Dir(d.file), text)
	}
	full, err := filepath.Abs(full)
	if err != nil {
		// Only if the working directory is gone.
		d.failf(CodeBadValue, v, "%s cannot be made absolute: %v", path, err)
		return nil
	}
	return &FileRef{Path: full, As: text, Pos: v.pos}
}
