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

// Media types of Wasm modules.
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

// Blob is a content with its media type.
type Blob struct {
	MediaType string
	Content   []byte
	// As is a wrong descriptor for the manifest. nil means the correct descriptor.
	As *ocispec.Descriptor
	// Title is the file's name; "": none.
	Title string
}

// Image is an image manifest with a config and layers, or an index of images.
type Image struct {
	MediaType    string // of the manifest
	ArtifactType string
	Config       Blob
	Layers       []Blob
	Annotations  map[string]string
	Subject      *ocispec.Descriptor // the image to which this one refers; nil: none

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

// Single returns an artifact with one layer of any media type, in the form of `oras push`.
func Single(mediaType string, module []byte) Image {
	return Image{
		ArtifactType: "application/vnd.example.filter",
		Config:       Blob{MediaType: ocispec.MediaTypeEmptyJSON, Content: []byte("{}")},
		Layers:       []Blob{{MediaType: mediaType, Content: module, Title: "filter.wasm"}},
	}
}

// Solo returns an image in the form of wasme, with further layers after the module.
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

// Compat returns Istio's "compat" image: its last layer is a tar+gzip with plugin.wasm.
func Compat(module []byte) Image {
	return Image{
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    Blob{MediaType: ocispec.MediaTypeImageConfig, Content: []byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}`)},
		Layers:    []Blob{{MediaType: ocispec.MediaTypeImageLayerGzip, Content: Gzip(Tar(File{"plugin.wasm", module}))}},
	}
}

// DockerCompat returns [Compat] in the form of `docker build`.
func DockerCompat(module []byte) Image {
	image := Compat(module)
	image.MediaType, image.Config.MediaType, image.Layers[0].MediaType = DockerManifest, DockerConfig, DockerLayer
	return image
}

// Index returns an index of images with platforms.
func Index(images ...Image) Image {
	return Image{MediaType: ocispec.MediaTypeImageIndex, Images: images}
}

// For returns the image for a platform (os/architecture) in an index.
func (i Image) For(platform string) Image {
	system, architecture, _ := strings.Cut(platform, "/")
	i.Platform = &ocispec.Platform{OS: system, Architecture: architecture}
	return i
}

// File is a file of a tar archive.
type File struct {
	Name    string
	Content []byte
}

// Tar returns a tar archive.
func Tar(files ...File) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		// A buffer accepts every write.
		_ = w.WriteHeader(&tar.Header{Name: f.Name, Mode: 0o644, Size: int64(len(f.Content))})
		_, _ = w.Write(f.Content)
	}
	_ = w.Close()
	return b.Bytes()
}

// Gzip returns the compressed content.
func Gzip(content []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(content) // a buffer accepts every write
	_ = w.Close()
	return b.Bytes()
}

// Push pushes an image to repository:tag and returns the manifest's digest. Without a tag, the
// image is available by digest.
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

// manifest pushes the parts of an image and returns the manifest.
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
			Subject: image.Subject,
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

// Repository returns oras' client for a repository, with credentials and trusted certificates.
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

// Fetched counts the recorded GETs of a blob, and removes them from the record like
// [Registry.Requests].
func (r *Registry) Fetched(content []byte) int {
	all := r.Requests(fmt.Sprintf("/blobs/%s", digest.FromBytes(content)))
	return len(slices.DeleteFunc(all, func(one Request) bool { return one.Method != "GET" }))
}
