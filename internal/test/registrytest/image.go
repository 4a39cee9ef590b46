package registrytest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// Media types that Wasm modules come in.
const (
	WasmLayer      = "application/wasm"
	WasmConfig     = "application/vnd.wasm.config.v0+json"
	SoloLayer      = "application/vnd.module.wasm.content.layer.v1+wasm"
	SoloConfig     = "application/vnd.module.wasm.config.v1+json"
	DockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	DockerIndex    = "application/vnd.docker.distribution.manifest.list.v2+json"
	DockerConfig   = "application/vnd.docker.container.image.v1+json"
	DockerLayer    = "application/vnd.docker.image.rootfs.diff.tar.gzip"
)

// Blob is some content with its media type.
type Blob struct {
	MediaType string
	Content   []byte
	// As is the descriptor that the manifest has instead of the right one; nil: the right one.
	As *ocispec.Descriptor
	// Title is the file's name; "": none.
	Title string
}

// Image is what can be pushed: a manifest of a config and layers, or an index of
// images.
type Image struct {
	MediaType    string // of the manifest
	ArtifactType string
	Config       Blob
	Layers       []Blob
	Annotations  map[string]string

	Images   []Image // of an index
	Platform *ocispec.Platform
}

// Artifact is the Wasm OCI artifact of the CNCF's Wasm working group.
func Artifact(module []byte) Image {
	return Image{
		Config: Blob{MediaType: WasmConfig, Content: []byte(`{"architecture":"wasm","os":"wasip1","layerDigests":[]}`)},
		Layers: []Blob{{MediaType: WasmLayer, Content: module, Title: "filter.wasm"}},
	}
}

// Single is an artifact with one layer of any media type, as `oras push` makes it.
func Single(mediaType string, module []byte) Image {
	return Image{
		ArtifactType: "application/vnd.example.filter",
		Config:       Blob{MediaType: ocispec.MediaTypeEmptyJSON, Content: []byte("{}")},
		Layers:       []Blob{{MediaType: mediaType, Content: module, Title: "filter.wasm"}},
	}
}

// Solo is an image as wasme builds it, with further layers behind the module's.
func Solo(module []byte, rootIDs []string, further ...Blob) Image {
	config, err := json.Marshal(map[string]any{
		"type": "envoy_proxy", "abiVersions": []string{"v0-541b2c1155fffb15ccde92b8324f3e38f7339ba6"},
		"config": map[string]any{"rootIds": rootIDs},
	})
	if err != nil {
		panic(err) // strings always marshal
	}
	return Image{
		Config: Blob{MediaType: SoloConfig, Content: config},
		Layers: append([]Blob{{MediaType: SoloLayer, Content: module, Title: "filter.wasm"}}, further...),
	}
}

// Compat is Istio's "compat" image of OCI: the last layer is a tar+gzip with plugin.wasm.
func Compat(module []byte) Image {
	return Image{
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    Blob{MediaType: ocispec.MediaTypeImageConfig, Content: []byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}`)},
		Layers:    []Blob{{MediaType: ocispec.MediaTypeImageLayerGzip, Content: Gzip(Tar(File{"plugin.wasm", module}))}},
	}
}

// DockerCompat is [Compat] as `docker build` makes it.
func DockerCompat(module []byte) Image {
	image := Compat(module)
	image.MediaType, image.Config.MediaType, image.Layers[0].MediaType = DockerManifest, DockerConfig, DockerLayer
	return image
}

// Index is an index of images, each with its platform.
func Index(images ...Image) Image {
	return Image{MediaType: ocispec.MediaTypeImageIndex, Images: images}
}

// For is the image with a platform in the index: os/architecture.
func (i Image) For(platform string) Image {
	system, architecture, _ := strings.Cut(platform, "/")
	i.Platform = &ocispec.Platform{OS: system, Architecture: architecture}
	return i
}

// File is one of a tar archive.
type File struct {
	Name    string
	Content []byte
}

// Tar is an archive.
func Tar(files ...File) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		// A buffer takes every write.
		_ = w.WriteHeader(&tar.Header{Name: f.Name, Mode: 0o644, Size: int64(len(f.Content))})
		_, _ = w.Write(f.Content)
	}
	_ = w.Close()
	return b.Bytes()
}

// Gzip compresses.
func Gzip(content []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(content) // a buffer takes every write
	_ = w.Close()
	return b.Bytes()
}

// Push pushes an image to repository:tag and returns its manifest's digest. Without
// a tag it is there by its digest.
func (r *Registry) Push(t testing.TB, to string, image Image) string {
	t.Helper()
	d := r.push(t, to, image)
	return d.Digest.String()
}

func (r *Registry) push(t testing.TB, to string, image Image) ocispec.Descriptor {
	t.Helper()
	repository, tag, _ := strings.Cut(to, ":")
	text, mediaType := r.manifest(t, repository, image)
	described := ocispec.Descriptor{
		MediaType: mediaType, Digest: digest.FromBytes(text), Size: int64(len(text)), Platform: image.Platform,
	}
	target := r.repository(repository)
	var err error
	if tag == "" {
		err = target.Push(t.Context(), described, bytes.NewReader(text))
	} else {
		err = target.PushReference(t.Context(), described, bytes.NewReader(text), tag)
	}
	if err != nil {
		t.Fatalf("push %s: %v", to, err)
	}
	return described
}

// manifest pushes what an image consists of.
func (r *Registry) manifest(t testing.TB, repository string, image Image) (text []byte, mediaType string) {
	t.Helper()
	var content any
	if len(image.Images) > 0 {
		mediaType = image.MediaType
		index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: mediaType, Annotations: image.Annotations}
		for _, one := range image.Images {
			index.Manifests = append(index.Manifests, r.push(t, repository, one))
		}
		content = index
	} else {
		mediaType = image.MediaType
		if mediaType == "" {
			mediaType = ocispec.MediaTypeImageManifest
		}
		manifest := ocispec.Manifest{
			Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: mediaType, ArtifactType: image.ArtifactType,
			Config: r.blob(t, repository, image.Config), Layers: []ocispec.Descriptor{}, Annotations: image.Annotations,
		}
		for _, layer := range image.Layers {
			manifest.Layers = append(manifest.Layers, r.blob(t, repository, layer))
		}
		content = manifest
	}
	text, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	return text, mediaType
}

func (r *Registry) blob(t testing.TB, repository string, b Blob) ocispec.Descriptor {
	t.Helper()
	described := ocispec.Descriptor{MediaType: b.MediaType, Digest: digest.FromBytes(b.Content), Size: int64(len(b.Content))}
	if b.Title != "" {
		described.Annotations = map[string]string{ocispec.AnnotationTitle: b.Title}
	}
	target := r.repository(repository).Blobs()
	if there, err := target.Exists(t.Context(), described); err != nil || !there {
		if err := target.Push(t.Context(), described, bytes.NewReader(b.Content)); err != nil {
			t.Fatalf("push a blob of %s: %v", repository, err)
		}
	}
	if b.As != nil {
		return *b.As
	}
	return described
}

// Repository is oras' client for a repository, with everything it needs.
func (r *Registry) Repository(name string) *remote.Repository { return r.repository(name) }

func (r *Registry) repository(name string) *remote.Repository {
	client := &auth.Client{Client: r.client(), Cache: auth.NewCache()}
	if r.options.User != "" {
		client.Credential = auth.StaticCredential(r.Host, auth.Credential{Username: r.options.User, Password: r.options.Password})
	}
	return &remote.Repository{
		Client: client, PlainHTTP: !r.options.TLS,
		Reference: registry.Reference{Registry: r.Host, Repository: name},
	}
}

// Fetched counts the GETs of a blob since the last call of [Registry.Requests] for it.
func (r *Registry) Fetched(content []byte) int {
	all := r.Requests(fmt.Sprintf("/blobs/%s", digest.FromBytes(content)))
	return len(slices.DeleteFunc(all, func(one Request) bool { return one.Method != "GET" }))
}
