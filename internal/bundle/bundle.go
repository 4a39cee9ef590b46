// Package bundle is the format of a bundle: the artifact for a directory of specs in a registry.
// Each spec file, module and configuration file is one layer, named by its path.
//
// bundle.go is the manifest. To make a bundle, plan.go decides where each file lies (with
// references.go and rewrite.go) and artifact.go puts the content together. To read one, fetch.go
// brings the content, decode.go reads its specs, and unpack.go writes its files.
package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The media types of a bundle and its layers.
const (
	ArtifactType = "application/vnd.wasm-xds.bundle.v1"
	SpecType     = "application/vnd.wasm-xds.spec.v1+yaml"
	FileType     = "application/vnd.wasm-xds.file.v1" // a file other than the module that a spec names
	ModuleType   = "application/wasm"
)

// The limits of a bundle. They apply both when a bundle is made and when a bundle is read.
const (
	MaxManifest = 4 << 20 // bytes; the limit of registries
	MaxEntries  = 10_000
	MaxText     = 1 << 20 // bytes of a spec file, a key or a signature
	// MaxFile is the limit of a configuration file, in bytes.
	MaxFile   = spec.MaxConfigFile
	MaxModule = 256 << 20 // bytes
	MaxTotal  = 2 << 30   // bytes of all entries together

	maxTitle = 1024 // bytes
)

// ErrNotBundle is the error for the manifest of another kind of artifact.
var ErrNotBundle = errors.New("this is no bundle")

// Entry is one file of a bundle.
// See docs/RATIONALE.md#why-does-a-bundle-have-a-layer-for-each-file-and-no-tar.
type Entry struct {
	// Title is the file's path within the bundle: relative, with slashes, without hidden parts.
	Title     string
	MediaType string // SpecType, FileType or ModuleType
	Digest    digest.Digest
	Size      int64 // bytes
}

// Descriptor returns the entry as a layer.
func (e Entry) Descriptor() ocispec.Descriptor {
	return ocispec.Descriptor{
		MediaType: e.MediaType, Digest: e.Digest, Size: e.Size,
		Annotations: map[string]string{ocispec.AnnotationTitle: e.Title},
	}
}

// Manifest returns the bundle's manifest, a pure function of the entries and the annotations. The
// order of the entries does not matter, and the manifest contains no time.
func Manifest(entries []Entry, annotations map[string]string) ([]byte, error) {
	sorted := slices.SortedFunc(slices.Values(entries), func(a, b Entry) int { return strings.Compare(a.Title, b.Title) })
	if err := checkEntries(sorted); err != nil {
		return nil, err
	}
	m := ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: ArtifactType,
		Config:       emptyConfig(),
		Layers:       make([]ocispec.Descriptor, len(sorted)),
		Annotations:  maps.Clone(annotations),
	}
	for i, e := range sorted {
		m.Layers[i] = e.Descriptor()
	}
	text, err := json.Marshal(m)
	if err == nil && len(text) > MaxManifest {
		err = fmt.Errorf("the bundle's manifest has %d bytes, more than the %d that registries take: use several bundles", len(text), MaxManifest)
	}
	return text, err
}

func emptyConfig() ocispec.Descriptor {
	config := ocispec.DescriptorEmptyJSON
	config.Data = nil // some registries refuse inline data
	return config
}

// Parse reads a bundle's manifest. Parse refuses a manifest that exceeds a limit or has a path that
// leaves the directory. The entries are sorted by title.
func Parse(manifest []byte) ([]Entry, error) {
	if len(manifest) > MaxManifest {
		return nil, fmt.Errorf("the manifest has more than %d bytes", MaxManifest)
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(manifest, &m); err != nil {
		return nil, fmt.Errorf("the manifest is not JSON as it should be: %w", err)
	}
	if m.ArtifactType != ArtifactType {
		kind := m.ArtifactType
		if kind == "" {
			kind = m.Config.MediaType
		}
		return nil, fmt.Errorf("%w, but %q", ErrNotBundle, kind)
	}
	if m.MediaType != ocispec.MediaTypeImageManifest {
		return nil, fmt.Errorf("%w, but %q", ErrNotBundle, m.MediaType)
	}
	if len(m.Layers) > MaxEntries {
		return nil, fmt.Errorf("it has %d files, more than the %d of a bundle", len(m.Layers), MaxEntries)
	}
	entries := make([]Entry, len(m.Layers))
	for i, layer := range m.Layers {
		title := layer.Annotations[ocispec.AnnotationTitle]
		if len(layer.URLs) > 0 {
			return nil, fmt.Errorf("%q lies outside the registry", title)
		}
		entries[i] = Entry{Title: title, MediaType: layer.MediaType, Digest: layer.Digest, Size: layer.Size}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Title, b.Title) })
	if err := checkEntries(entries); err != nil {
		return nil, err
	}
	return entries, nil
}

// checkEntries checks each entry, and that the entries are compatible with each other.
func checkEntries(entries []Entry) error {
	if len(entries) > MaxEntries {
		return fmt.Errorf("there are %d files, more than the %d of a bundle", len(entries), MaxEntries)
	}
	titles := make(map[string]struct{}, len(entries))
	sizes := map[digest.Digest]int64{}
	var total int64
	for _, e := range entries {
		if err := e.check(); err != nil {
			return err
		}
		if _, twice := titles[e.Title]; twice {
			return fmt.Errorf("%q is there twice", e.Title)
		}
		titles[e.Title] = struct{}{}
		if size, known := sizes[e.Digest]; known && size != e.Size {
			return fmt.Errorf("%q has the digest of another file, but not its size", e.Title)
		}
		sizes[e.Digest] = e.Size
		if total += e.Size; total > MaxTotal {
			return fmt.Errorf("it has more than %d MiB", MaxTotal>>20)
		}
	}
	for title := range titles {
		for dir := path.Dir(title); dir != "."; dir = path.Dir(dir) {
			if _, taken := titles[dir]; taken {
				return fmt.Errorf("%q is a file and a directory", dir)
			}
		}
	}
	if !slices.ContainsFunc(entries, func(e Entry) bool { return e.MediaType == SpecType }) {
		return errors.New("there is no spec in it")
	}
	return nil
}

func (e Entry) check() error {
	if problem := titleProblem(e.Title); problem != "" {
		return fmt.Errorf("the path %q %s", e.Title, problem)
	}
	limit := int64(MaxText)
	switch e.MediaType {
	case SpecType:
	case FileType:
		limit = MaxFile
	case ModuleType:
		limit = MaxModule
	default:
		return fmt.Errorf("%q is of the unknown type %q: a newer wasm-xds may have made the bundle", e.Title, e.MediaType)
	}
	switch {
	case e.Digest.Validate() != nil || e.Digest.Algorithm() != digest.SHA256:
		return fmt.Errorf("%q has %q for a digest, which is no sha256", e.Title, e.Digest)
	case e.Size < 0 || e.Size > limit:
		return fmt.Errorf("%q has %d bytes, more than the %d that are taken", e.Title, e.Size, limit)
	}
	return nil
}

// titleProblem says why a path cannot be a title; "" means the path is valid. Hidden paths are
// invalid, because unpacking a bundle must not write .git/hooks.
func titleProblem(title string) string {
	switch {
	case title == "":
		return "is empty"
	case len(title) > maxTitle:
		return "is too long"
	case !utf8.ValidString(title):
		return "is not UTF-8"
	case strings.ContainsFunc(title, func(r rune) bool { return r == '\\' || !unicode.IsPrint(r) }):
		return "has characters that no path should have"
	case path.IsAbs(title), path.Clean(title) != title:
		return "is not relative and clean"
	}
	for name := range strings.SplitSeq(title, "/") {
		if strings.HasPrefix(name, ".") {
			return "leads out of the bundle or is hidden"
		}
	}
	return ""
}
