package bundle

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

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

// layout collects the items of a bundle.
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
	for _, suffix := range append(spec.SignatureSuffixes(), spec.AttestationSuffix) {
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
