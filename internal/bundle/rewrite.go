package bundle

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// change replaces one path in a spec file with another path.
type change struct {
	at       spec.Position
	from, to string
}

// rewrite changes paths in the text of a spec file, and nothing else. As a check, rewrite decodes
// the result and compares the paths that the specs name now.
func rewrite(f SpecFile, changes []change) ([]byte, *spec.Error) {
	text := string(normal(f.Text))
	want := map[spec.Position]string{}
	for _, c := range changes {
		want[c.at] = c.to
	}
	// Work from the end to the beginning, so the positions stay valid.
	slices.SortFunc(changes, func(a, b change) int {
		return cmp.Or(cmp.Compare(b.at.Line, a.at.Line), cmp.Compare(b.at.Column, a.at.Column))
	})
	changes = slices.CompactFunc(changes, func(a, b change) bool { return a.at == b.at })
	for _, c := range changes {
		start, end, ok := scalarAt(text, c.at, c.from)
		if !ok {
			return nil, cannotRewrite(c)
		}
		to := c.to
		if strings.HasPrefix(strings.TrimLeft(text[start:end], `"'`), fileScheme) {
			to = fileScheme + to
		}
		text = text[:start] + quoted(to) + text[end:]
	}
	specs, errs, broken := spec.Decode(f.Title, []byte(text))
	if broken || len(errs) > 0 || len(specs) != len(f.Specs) {
		return nil, cannotRewrite(changes[0])
	}
	for i, s := range specs {
		was := *f.Specs[i]
		was.Module.Verify.Keys = slices.Clone(was.Module.Verify.Keys)
		for _, slot := range referencesOf(&was) {
			ref := **slot.at
			ref.As = cmp.Or(want[ref.Pos], ref.As)
			*slot.at = &ref
		}
		now, nowErr := meaning(*s)
		before, beforeErr := meaning(was)
		if nowErr != nil || beforeErr != nil || !reflect.DeepEqual(now, before) {
			return nil, cannotRewrite(changes[0])
		}
	}
	return []byte(text), nil
}

// meaning returns a spec without its position and without the locations of its files.
func meaning(s spec.Spec) (any, error) {
	s.File, s.Line = "", 0
	s.Module.Verify.Keys = slices.Clone(s.Module.Verify.Keys)
	for _, slot := range referencesOf(&s) {
		*slot.at = &spec.FileRef{As: (*slot.at).As}
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return nil, err
	}
	dropPositions(value)
	return value, nil
}

func dropPositions(value any) {
	switch value := value.(type) {
	case map[string]any:
		delete(value, "Pos")
		for _, inner := range value {
			dropPositions(inner)
		}
	case []any:
		for _, inner := range value {
			dropPositions(inner)
		}
	}
}

func cannotRewrite(c change) *spec.Error {
	return &spec.Error{
		Code: "bundle_cannot_rewrite", Pos: c.at,
		Message: fmt.Sprintf("the file %q lies outside the directory, and the way it is written here cannot be changed into a path in the bundle", c.from),
		Hint:    "write it as a plain or quoted text, without an anchor or a tag, or put the file into the directory",
	}
}

// normal returns text in the form that positions refer to: without a byte order mark, and with a
// line feed at the end of each line.
func normal(text []byte) []byte {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
}

// fileScheme stands before a path in documents of other systems.
const fileScheme = "file://"

// scalarAt finds the scalar with this value at a position in text, with or without fileScheme.
func scalarAt(text string, at spec.Position, value string) (start, end int, ok bool) {
	for range at.Line - 1 {
		next := strings.IndexByte(text[start:], '\n')
		if next < 0 {
			return 0, 0, false
		}
		start += next + 1
	}
	column := 1
	for i := range text[start:] {
		if column == at.Column {
			start += i
			break
		}
		column++
	}
	rest, _, _ := strings.Cut(text[start:], "\n")
	switch {
	case strings.HasPrefix(rest, `"`):
		end = quoteEnd(rest, '"')
	case strings.HasPrefix(rest, `'`):
		end = quoteEnd(rest, '\'')
	case strings.HasPrefix(rest, value):
		end = len(value)
	case strings.HasPrefix(rest, fileScheme+value):
		end = len(fileScheme + value)
	}
	return start, start + end, end > 0
}

// quoteEnd returns the end of the quoted scalar at the start of text, or 0 if the line does not end
// it.
func quoteEnd(text string, quote byte) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '"':
			i++
		case text[i] == quote && quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		case text[i] == quote:
			return i + 1
		}
	}
	return 0
}

// quoted returns a title as a YAML scalar in single quotes, where only the quote is special.
func quoted(title string) string {
	return "'" + strings.ReplaceAll(title, "'", "''") + "'"
}
