package bundle

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Decode parses a file of specs, like [spec.Decode].
type Decode func(file string, text []byte) (specs []*spec.Spec, errs []*spec.Error, broken bool)

// Names are the two names of a bundle.
type Names struct {
	// Tag is the origin in specs: oci://registry/repo:tag, the same for every version of the
	// bundle.
	Tag string
	// Exact is the name in errors: oci://registry/repo@sha256:….
	Exact string
	// Unsigned says no signature covers the bundle: each module that must be signed needs a
	// signature of its own.
	Unsigned bool
}

// Documents is the content of a bundle.
type Documents struct {
	Specs []*spec.Spec // sorted by name, each name once
	// Errors is empty if the bundle is valid.
	Errors []*spec.Error
	// References has the digest of each file that the specs name, by the file's path.
	References map[string]string
}

// Read decodes the specs of a bundle. texts has the contents of the spec files by title, and place
// returns the path of another entry's bytes. A spec can name files of the bundle, and no other file
// of this machine.
func Read(entries []Entry, names Names, texts map[string][]byte, place func(Entry) string, decode Decode) Documents {
	r := reader{
		names: names, place: place, byTitle: make(map[string]Entry, len(entries)),
		out: Documents{References: map[string]string{}},
	}
	for _, e := range entries {
		r.byTitle[e.Title] = e
	}
	for _, e := range entries {
		if e.MediaType != SpecType {
			continue
		}
		specs, errs, _ := decode(names.Exact+"/"+e.Title, texts[e.Title])
		r.out.Errors = append(r.out.Errors, errs...)
		for _, s := range specs {
			r.add(e.Title, s)
		}
	}
	r.unique()
	slices.SortStableFunc(r.out.Errors, func(a, b *spec.Error) int {
		return cmp.Or(strings.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	return r.out
}

// reader collects the documents of a bundle.
type reader struct {
	names   Names
	place   func(Entry) string
	byTitle map[string]Entry
	out     Documents
}

// add keeps a spec if all its files are in the bundle.
func (r *reader) add(title string, s *spec.Spec) {
	good := true
	if err := secretProblem(s); err != nil {
		r.out.Errors = append(r.out.Errors, err)
		good = false
	}
	for _, slot := range referencesOf(s) {
		ref := **slot.at
		e, err := r.find(title, slot, ref)
		if err != nil {
			err.Name, err.Pos = s.Name, ref.Pos
			r.out.Errors = append(r.out.Errors, err)
			good = false
			continue
		}
		ref.Path = r.place(e)
		*slot.at = &ref
		r.out.References[ref.Path] = e.Digest.String()
		if slot.mediaType == ModuleType {
			s.Module.Bundled = !r.names.Unsigned
			s.Module.SHA256 = cmp.Or(s.Module.SHA256, e.Digest.Encoded())
			r.addSignatures(e, ref.Path)
		}
	}
	if good {
		s.File = r.names.Tag + "/" + title
		r.out.Specs = append(r.out.Specs, s)
	}
}

// addSignatures adds the signatures beside a module that may need them.
func (r *reader) addSignatures(module Entry, path string) {
	if !r.names.Unsigned {
		return
	}
	for suffix, e := range Signatures(r.byTitle, module) {
		r.out.References[path+suffix] = e.Digest.String()
	}
}

// Signatures returns the files with signatures and attestations beside a module, by the suffix of
// their names.
func Signatures(byTitle map[string]Entry, module Entry) map[string]Entry {
	found := map[string]Entry{}
	for _, suffix := range append(spec.SignatureSuffixes(), spec.AttestationSuffix) {
		if e, ok := byTitle[module.Title+suffix]; ok && e.MediaType == FileType {
			found[suffix] = e
		}
	}
	return found
}

func (r *reader) find(title string, slot slot, ref spec.FileRef) (Entry, *spec.Error) {
	within, ok := resolve(title, ref.As)
	if !ok {
		return Entry{}, &spec.Error{
			Code: "outside_bundle", Message: fmt.Sprintf("%q lies outside the bundle, where its specs must name nothing", ref.As),
			Hint: "push the directory again with wasm-xds push, which takes such files into the bundle",
		}
	}
	e, ok := r.byTitle[within]
	if !ok || e.MediaType != slot.mediaType {
		return Entry{}, &spec.Error{
			Code: "not_in_bundle", Message: fmt.Sprintf("the bundle has no %s %s", kindOf(slot.mediaType), within),
			Hint: "push the directory again with wasm-xds push, which takes the files that specs name into the bundle",
		}
	}
	return e, nil
}

func kindOf(mediaType string) string {
	if mediaType == ModuleType {
		return "module"
	}
	return "file"
}

// unique sorts the specs, and adds an error for each name that several specs have.
func (r *reader) unique() {
	slices.SortStableFunc(r.out.Specs, func(a, b *spec.Spec) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	var kept []*spec.Spec
	for _, s := range r.out.Specs {
		last := len(kept) - 1
		if last < 0 || kept[last].Name != s.Name {
			kept = append(kept, s)
			continue
		}
		r.out.Errors = append(r.out.Errors, &spec.Error{
			Code: "duplicate_name", Name: s.Name, Pos: spec.Position{File: r.exact(s.File), Line: s.Line},
			Message: fmt.Sprintf("the name %q is taken already, at %s:%d", s.Name, r.exact(kept[last].File), kept[last].Line),
			Hint:    "give one of them another name, or delete it",
		})
	}
	r.out.Specs = kept
}

// exact returns the name of a bundle's file for errors.
func (r *reader) exact(file string) string {
	return r.names.Exact + strings.TrimPrefix(file, r.names.Tag)
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
