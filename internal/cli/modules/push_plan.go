package modules

import (
	"path/filepath"

	"github.com/opencontainers/go-digest"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// planBundle lays out the bundle of the resolved specs. The bundle has exactly the checked
// content: a file that has changed since is an error.
func planBundle(dir string, bounds *spec.Bounds, good []load.Resolved, store *module.Store) ([]bundle.Item, []*spec.Error) {
	byFile := map[string]*bundle.SpecFile{}
	var order []string
	contents := map[string]bundle.Content{}
	var problems []*spec.Error
	for _, one := range good {
		f := byFile[one.Spec.File]
		if f == nil {
			f = &bundle.SpecFile{}
			byFile[one.Spec.File] = f
			order = append(order, one.Spec.File)
		}
		f.Specs = append(f.Specs, one.Spec)
		if ref := one.Spec.Module.File; ref != nil {
			m := one.Revision.Module
			contents[ref.Path] = bundle.Content{Digest: digest.NewDigestFromEncoded(digest.SHA256, m.SHA256), Size: m.Size, Place: store.Path(m.SHA256)}
		}
		if ref := one.Spec.ConfigFrom; ref != nil && one.Content != nil {
			contents[ref.Path] = textContent([]byte(*one.Content))
		}
		for _, file := range one.Spec.Module.SignatureFiles() {
			in := (*regular.Bounds)(one.Spec.Module.File.Bounds)
			if text, err := in.Read(file, bundle.MaxText); err == nil { // most modules have no such file
				contents[file] = textContent(text)
			}
		}
		for _, ref := range one.Spec.Module.Verify.Refs() {
			text, err := (*regular.Bounds)(ref.Bounds).Read(ref.Path, bundle.MaxText)
			if err != nil {
				problems = append(problems, &spec.Error{Code: "path_unreadable", Message: ref.Path + ": " + reason.Of(err), Name: one.Spec.Name, Pos: ref.Pos})
				continue
			}
			contents[ref.Path] = textContent(text)
		}
	}
	files := make([]bundle.SpecFile, 0, len(order))
	for _, file := range order {
		f := byFile[file]
		if err := readSpecFile(dir, file, bounds, f); err != nil {
			problems = append(problems, err)
			continue
		}
		files = append(files, *f)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return bundle.Plan(files, contents)
}

func textContent(text []byte) bundle.Content {
	return bundle.Content{Digest: digest.FromBytes(text), Size: int64(len(text)), Text: text}
}

// readSpecFile reads the text of a file with the known specs, in their order.
func readSpecFile(dir, file string, bounds *spec.Bounds, f *bundle.SpecFile) *spec.Error {
	changed := func(why string) *spec.Error {
		return &spec.Error{
			Code: "spec_changed", Message: "the file changed while it was read: " + why, Hint: "push again",
			Pos: spec.Position{File: file},
		}
	}
	title, err := filepath.Rel(dir, file)
	if err != nil {
		return changed(err.Error())
	}
	text, err := regular.Read(file, bundle.MaxText)
	if err != nil {
		return changed(reason.Of(err))
	}
	specs, errs, _ := spec.Decode(file, text)
	for _, s := range specs {
		s.Bound(bounds)
	}
	if len(errs) > 0 || !bundle.Same(specs, f.Specs) {
		return changed("it is not what was checked")
	}
	f.Title, f.Text, f.Specs = filepath.ToSlash(title), text, specs
	return nil
}
