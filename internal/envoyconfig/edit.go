package envoyconfig

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// Edit replaces the bytes from Start to End of a file.
type Edit struct {
	Start, End int
	Text       string
}

// Apply returns the text of a file with edits. The order of the edits does not matter, except for
// insertions at one place. Apply fails if two edits overlap, or if an edit lies outside the text.
func (f *File) Apply(edits ...Edit) ([]byte, error) {
	sorted := slices.Clone(edits)
	slices.SortStableFunc(sorted, func(a, b Edit) int { return a.Start - b.Start })
	var out []byte
	at := 0
	for _, e := range sorted {
		if e.Start < at || e.End < e.Start || e.End > len(f.Text) {
			return nil, fmt.Errorf("%s: the edits of bytes %d to %d do not fit together", f.Path, e.Start, e.End)
		}
		out = append(out, f.Text[at:e.Start]...)
		out = append(out, e.Text...)
		at = e.End
	}
	return append(out, f.Text[at:]...), nil
}

// Diff returns the change of edits as a unified diff; "": there is no change.
func (f *File) Diff(edits ...Edit) (string, error) {
	after, err := f.Apply(edits...)
	if err != nil {
		return "", err
	}
	text := string(diff.Diff(f.Path, f.Text, f.Path, after))
	_, text, _ = strings.Cut(text, "\n") // the command line of diff
	return text, nil
}
