package bundle

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Content is the content of a file that a spec names.
type Content struct {
	Digest digest.Digest
	Size   int64
	// Text has the bytes. If Text is nil, Place is the path of the file with the bytes.
	Text  []byte
	Place string
}

// SpecFile is a file of specs that becomes part of a bundle.
type SpecFile struct {
	Title string // the path within the directory, with slashes
	Text  []byte
	Specs []*spec.Spec // the text's documents
}

// Item is an entry and the origin of its bytes: Text, or the file at Place.
type Item struct {
	Entry
	Text  []byte
	Place string
}

// Plan lays out a bundle. contents has the contents of the files that the specs name, by the path
// in the [spec.FileRef], and the signatures beside modules. A file within the directory keeps its
// path, and its specs keep their bytes. A file outside the directory gets a path in the bundle, and
// Plan rewrites the specs that name the file.
func Plan(files []SpecFile, contents map[string]Content) ([]Item, []*spec.Error) {
	l := layout{items: map[string]Item{}, contents: contents}
	for _, f := range files {
		l.put(Item{Entry: Entry{Title: f.Title, MediaType: SpecType}, Text: f.Text}, spec.Position{File: f.Title})
	}
	var outside []reference
	for _, f := range files {
		for _, s := range f.Specs {
			if err := secretProblem(s); err != nil {
				l.errs = append(l.errs, err)
			}
		}
		for _, r := range references(f) {
			if within, ok := resolve(f.Title, r.ref.As); ok {
				l.putWithSignatures(r, within)
			} else {
				outside = append(outside, r)
			}
		}
	}
	moved := l.moveIn(outside)
	for _, f := range files {
		if edits := moved[f.Title]; len(edits) > 0 {
			text, err := rewrite(f, edits)
			if err != nil {
				l.errs = append(l.errs, err)
				continue
			}
			l.items[f.Title] = Item{Entry: Entry{Title: f.Title, MediaType: SpecType}, Text: text}
		}
	}
	return l.finish()
}

// reference is a file that a spec names.
type reference struct {
	file      string // title of the spec's file
	ref       *spec.FileRef
	mediaType string
}

func references(f SpecFile) []reference {
	var all []reference
	for _, s := range f.Specs {
		for _, r := range referencesOf(s) {
			all = append(all, reference{f.Title, *r.at, r.mediaType})
		}
	}
	return all
}

// slot is a place in a spec that names a file.
type slot struct {
	at        **spec.FileRef
	mediaType string
}

// referencesOf returns all places in a spec that name a file.
func referencesOf(s *spec.Spec) []slot {
	var all []slot
	for _, one := range []slot{{&s.Module.File, ModuleType}, {&s.ConfigFrom, FileType}} {
		if *one.at != nil {
			all = append(all, one)
		}
	}
	for i := range s.Module.Keys {
		all = append(all, slot{&s.Module.Keys[i], FileType})
	}
	return all
}

// resolve returns the title for a path in a spec, or false if the path lies outside the directory.
func resolve(specFile, as string) (string, bool) {
	if filepath.IsAbs(as) {
		return "", false
	}
	title := path.Join(path.Dir(specFile), filepath.ToSlash(as))
	return title, titleProblem(title) == ""
}

// relative returns the path from a spec file to a title.
func relative(specFile, title string) string {
	depth := strings.Count(specFile, "/")
	if depth == 0 {
		return "./" + title
	}
	return strings.Repeat("../", depth) + title
}

type layout struct {
	items    map[string]Item
	contents map[string]Content
	errs     []*spec.Error
}

func (l *layout) item(r reference, title string) Item {
	c := l.contents[r.ref.Path]
	return Item{Entry: Entry{Title: title, MediaType: r.mediaType, Digest: c.Digest, Size: c.Size}, Text: c.Text, Place: c.Place}
}

func (l *layout) put(item Item, at spec.Position) {
	before, taken := l.items[item.Title]
	if !taken {
		l.items[item.Title] = item
		return
	}
	if before.MediaType != item.MediaType {
		l.errs = append(l.errs, &spec.Error{
			Code: "bundle_conflict", Pos: at,
			Message: fmt.Sprintf("%s is two different things: one spec's module, and something else as well", item.Title),
			Hint:    "name files of their own",
		})
	}
}

// putWithSignatures adds a module and its signatures. The module's name determines the names of the
// signatures.
func (l *layout) putWithSignatures(r reference, title string) {
	l.put(l.item(r, title), r.ref.Pos)
	if r.mediaType != ModuleType {
		return
	}
	for _, suffix := range spec.SignatureSuffixes() {
		if c, ok := l.contents[r.ref.Path+suffix]; ok {
			l.put(Item{Entry: Entry{Title: title + suffix, MediaType: FileType, Digest: c.Digest, Size: c.Size}, Text: c.Text, Place: c.Place}, r.ref.Pos)
		}
	}
}

// moveIn assigns titles to files outside the directory, and returns the changes to the spec files
// that name them. The titles depend only on names and contents, not on the location of the files.
func (l *layout) moveIn(outside []reference) map[string][]change {
	byTitle := map[string]map[digest.Digest]struct{}{}
	plain := func(r reference) string {
		return path.Join(placeOf(r.mediaType), strings.TrimLeft(filepath.Base(r.ref.Path), "."))
	}
	for _, r := range outside {
		title := plain(r)
		if byTitle[title] == nil {
			byTitle[title] = map[digest.Digest]struct{}{}
		}
		byTitle[title][l.contents[r.ref.Path].Digest] = struct{}{}
	}
	inside := slices.Collect(maps.Keys(l.items))
	moved := map[string][]change{}
	for _, r := range outside {
		title := plain(r)
		if len(byTitle[title]) > 1 || slices.Contains(inside, title) || titleProblem(title) != "" {
			const enough = 12
			title = path.Join(placeOf(r.mediaType), l.contents[r.ref.Path].Digest.Encoded()[:enough]+safeExt(r.ref.Path))
		}
		l.putWithSignatures(r, title)
		moved[r.file] = append(moved[r.file], change{at: r.ref.Pos, from: r.ref.As, to: relative(r.file, title)})
	}
	return moved
}

func placeOf(mediaType string) string {
	if mediaType == ModuleType {
		return "modules"
	}
	return "files"
}

func safeExt(file string) string {
	if ext := filepath.Ext(file); titleProblem("x"+ext) == "" {
		return ext
	}
	return ""
}

// finish completes the entries of the texts, and sorts all items.
func (l *layout) finish() ([]Item, []*spec.Error) {
	if len(l.errs) > 0 {
		slices.SortStableFunc(l.errs, func(a, b *spec.Error) int {
			return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line))
		})
		return nil, l.errs
	}
	items := make([]Item, 0, len(l.items))
	for _, title := range slices.Sorted(maps.Keys(l.items)) {
		item := l.items[title]
		if item.MediaType == SpecType {
			item.Digest, item.Size = digest.FromBytes(item.Text), int64(len(item.Text))
		}
		items = append(items, item)
	}
	return items, nil
}

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
	// Work from the end to the beginning, so that the positions stay valid.
	slices.SortFunc(changes, func(a, b change) int {
		return cmp.Or(cmp.Compare(b.at.Line, a.at.Line), cmp.Compare(b.at.Column, a.at.Column))
	})
	for i, c := range changes {
		if i > 0 && c.at == changes[i-1].at {
			continue
		}
		start, end, ok := scalarAt(text, c.at, c.from)
		if !ok {
			return nil, cannotRewrite(c)
		}
		text = text[:start] + quoted(c.to) + text[end:]
	}
	specs, errs, broken := spec.Decode(f.Title, []byte(text))
	if broken || len(errs) > 0 || len(specs) != len(f.Specs) {
		return nil, cannotRewrite(changes[0])
	}
	for i, s := range specs {
		was := *f.Specs[i]
		was.Module.Keys = slices.Clone(was.Module.Keys)
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
	s.Module.Keys = slices.Clone(s.Module.Keys)
	s.Module.Keys = slices.Clone(s.Module.Keys)
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

// Same reports whether two decodings of one file give equal specs.
func Same(a, b []*spec.Spec) bool {
	if len(a) != len(b) {
		return false
	}
	for _, one := range a {
		i := slices.IndexFunc(b, func(s *spec.Spec) bool { return s.Name == one.Name })
		if i < 0 || !reflect.DeepEqual(one, b[i]) {
			return false
		}
	}
	return true
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

// scalarAt finds the scalar with this value at a position in text.
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
