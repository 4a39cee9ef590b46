package bundle

import (
	"path"
	"path/filepath"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// reference is a file that a spec names.
type reference struct {
	file      string // title of the spec's file
	ref       *spec.FileRef
	mediaType string
}

// references returns all files that the specs of a file name.
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
	for i := range s.Module.Verify.Keys {
		all = append(all, slot{&s.Module.Verify.Keys[i], FileType})
	}
	if s.Module.Verify.TrustedRoot != nil {
		all = append(all, slot{&s.Module.Verify.TrustedRoot, FileType})
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

// secretProblem refuses a spec with a pull secret. A secret in a bundle would be public, and a
// secret outside belongs to the server: no bundle may send it to a registry of the bundle's choice.
func secretProblem(s *spec.Spec) *spec.Error {
	secret := s.Module.PullSecret
	if secret == nil {
		return nil
	}
	return &spec.Error{
		Code: "secret_in_bundle", Message: "a bundle's specs can name no pull secret", Name: s.Name, Pos: secret.Pos,
		Hint: "remove module.pullSecret, and put the credentials into the Docker configuration where the server runs",
	}
}
