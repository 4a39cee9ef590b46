package bundle

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/errdef"
)

// moduleConfig is the media type of a Wasm OCI artifact's configuration.
const moduleConfig = "application/vnd.wasm.config.v0+json"

// Artifact is a manifest together with all content that the manifest names, ready for a push. An
// Artifact is an oras.ReadOnlyTarget in which every reference means the manifest.
type Artifact struct {
	Root  ocispec.Descriptor // of the manifest
	blobs map[digest.Digest]blob
}

// blob is text, or the file at path if there is no text.
type blob struct {
	text []byte
	path string
	size int64
}

// NewArtifact makes the bundle of some items. The annotations become part of its manifest.
func NewArtifact(items []Item, annotations map[string]string) (*Artifact, error) {
	entries := make([]Entry, len(items))
	a := &Artifact{blobs: map[digest.Digest]blob{}}
	for i, item := range items {
		entries[i] = item.Entry
		a.blobs[item.Digest] = blob{text: item.Text, path: item.Place, size: item.Size}
	}
	manifest, err := Manifest(entries, annotations)
	if err != nil {
		return nil, err
	}
	a.add([]byte("{}"))
	a.setRoot(manifest, ArtifactType)
	return a, nil
}

// NewModule makes the Wasm OCI artifact of the module at a path. title is the module's file name
// for tools that keep names when they pull; "" means no name.
func NewModule(path, title string, content Content, annotations map[string]string) (*Artifact, error) {
	a := &Artifact{blobs: map[digest.Digest]blob{content.Digest: {path: path, size: content.Size}}}
	config, err := json.Marshal(struct {
		Architecture string          `json:"architecture"`
		OS           string          `json:"os"`
		LayerDigests []digest.Digest `json:"layerDigests"`
	}{"wasm", "wasip1", []digest.Digest{content.Digest}})
	if err != nil {
		return nil, err
	}
	layer := ocispec.Descriptor{MediaType: ModuleType, Digest: content.Digest, Size: content.Size}
	if title != "" {
		layer.Annotations = map[string]string{ocispec.AnnotationTitle: title}
	}
	manifest, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    ocispec.Descriptor{MediaType: moduleConfig, Digest: a.add(config), Size: int64(len(config))},
		Layers:    []ocispec.Descriptor{layer}, Annotations: maps.Clone(annotations),
	})
	if err != nil {
		return nil, err
	}
	a.setRoot(manifest, "")
	return a, nil
}

func (a *Artifact) add(text []byte) digest.Digest {
	sum := digest.FromBytes(text)
	a.blobs[sum] = blob{text: text, size: int64(len(text))}
	return sum
}

func (a *Artifact) setRoot(manifest []byte, artifactType string) {
	a.Root = ocispec.Descriptor{
		MediaType: ocispec.MediaTypeImageManifest, ArtifactType: artifactType,
		Digest: a.add(manifest), Size: int64(len(manifest)),
	}
}

// Size returns the total size of all contents, in bytes.
func (a *Artifact) Size() int64 {
	var size int64
	for _, b := range a.blobs {
		size += b.size
	}
	return size
}

// Resolve returns the manifest for any reference.
func (a *Artifact) Resolve(context.Context, string) (ocispec.Descriptor, error) { return a.Root, nil }

// Exists reports whether the artifact has the content.
func (a *Artifact) Exists(_ context.Context, target ocispec.Descriptor) (bool, error) {
	_, ok := a.blobs[target.Digest]
	return ok, nil
}

// Fetch opens the content.
func (a *Artifact) Fetch(_ context.Context, target ocispec.Descriptor) (io.ReadCloser, error) {
	b, ok := a.blobs[target.Digest]
	switch {
	case !ok:
		return nil, fmt.Errorf("%s: %w", target.Digest, errdef.ErrNotFound)
	case b.path == "":
		return io.NopCloser(bytes.NewReader(b.text)), nil
	default:
		return os.Open(b.path)
	}
}
