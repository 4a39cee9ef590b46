package module

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The media types of manifests, indexes and layers.
const (
	soloConfig     = "application/vnd.module.wasm.config.v1+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerIndex    = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerLayer    = "application/vnd.docker.image.rootfs.diff.tar"
)

// wasmLayers are the media types of layers that contain a plain module.
var wasmLayers = []string{
	"application/wasm",
	"application/vnd.module.wasm.content.layer.v1+wasm",
	"application/vnd.wasm.content.layer.v1+wasm",
}

// manifest is an image manifest or an index of images.
type manifest struct {
	MediaType string               `json:"mediaType"`
	Config    ocispec.Descriptor   `json:"config"`
	Layers    []ocispec.Descriptor `json:"layers"`
	Manifests []ocispec.Descriptor `json:"manifests"`
}

// parseManifest parses a manifest or an index. mediaType is the media type in the registry's
// answer. The error's message continues the module's name.
func parseManifest(mediaType string, text []byte) (manifest, *spec.Error) {
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return m, unusable("has a manifest that is no JSON of the right form")
	}
	switch mediaType {
	case ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex, dockerManifest, dockerIndex:
		m.MediaType = mediaType
	}
	switch m.MediaType {
	case ocispec.MediaTypeImageManifest, dockerManifest:
		m.Manifests = nil
	case ocispec.MediaTypeImageIndex, dockerIndex:
		m.Layers = nil
	default:
		return m, unusable(fmt.Sprintf("has a manifest of the media type %q, which is no image's", cut(mediaType)))
	}
	return m, nil
}

func (m manifest) isIndex() bool {
	return m.MediaType == ocispec.MediaTypeImageIndex || m.MediaType == dockerIndex
}

// choose selects an image from an index: the Wasm image, else linux/amd64, which most images with a
// module in a tar have, else the first image.
func (m manifest) choose() (ocispec.Descriptor, *spec.Error) {
	var usable []ocispec.Descriptor
	for _, one := range m.Manifests {
		if !isAttestation(one) {
			usable = append(usable, one)
		}
	}
	if len(usable) == 0 {
		return ocispec.Descriptor{}, unusable("is an index that lists no image; it has " + m.listed())
	}
	for _, wants := range []func(ocispec.Platform) bool{
		func(p ocispec.Platform) bool {
			return p.Architecture == "wasm" && !strings.HasPrefix(p.OS, "wasip2") && !strings.HasPrefix(p.OS, "wasip3")
		},
		func(p ocispec.Platform) bool { return strings.HasPrefix(p.Architecture, "wasm") },
		func(p ocispec.Platform) bool { return p.OS == "linux" && p.Architecture == "amd64" },
	} {
		for _, one := range usable {
			if one.Platform != nil && wants(*one.Platform) {
				return one, nil
			}
		}
	}
	return usable[0], nil
}

// isAttestation reports whether an entry is an attestation, which build tools add to indexes.
func isAttestation(d ocispec.Descriptor) bool {
	_, refers := d.Annotations["vnd.docker.reference.type"]
	return refers || d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown"
}

// layer returns the layer with the module: the layer with a Wasm media type, else the last layer of
// a container image, else the only layer.
func (m manifest) layer() (ocispec.Descriptor, *spec.Error) {
	var wasm []ocispec.Descriptor
	for _, one := range m.Layers {
		if slices.Contains(wasmLayers, one.MediaType) {
			wasm = append(wasm, one)
		}
	}
	switch {
	case len(wasm) == 1:
		return wasm[0], nil
	case len(wasm) > 1:
		return ocispec.Descriptor{}, unusable("has several Wasm layers, and nothing says which is meant: " + m.listed())
	case len(m.Layers) == 0:
		return ocispec.Descriptor{}, unusable("has no layers")
	}
	last := m.Layers[len(m.Layers)-1]
	if len(m.Layers) == 1 || isTar(last.MediaType) {
		return last, nil
	}
	return ocispec.Descriptor{}, unusable("has several layers, and none is of a Wasm media type: " + m.listed())
}

func isTar(mediaType string) bool {
	return strings.HasPrefix(mediaType, ocispec.MediaTypeImageLayer) || strings.HasPrefix(mediaType, dockerLayer)
}

// listed lists the layers or images, for errors.
func (m manifest) listed() string {
	const most = 10
	all := m.Layers
	if m.isIndex() {
		all = m.Manifests
	}
	var words []string
	for _, one := range all[:min(len(all), most)] {
		text := cut(one.MediaType)
		if p := one.Platform; p != nil {
			text = cut(p.OS + "/" + p.Architecture)
		}
		words = append(words, fmt.Sprintf("%s (%d bytes)", text, one.Size))
	}
	switch {
	case len(words) == 0:
		return "nothing"
	case len(all) > most:
		words = append(words, fmt.Sprintf("%d more", len(all)-most))
	}
	return strings.Join(words, ", ")
}

// rootIDOf returns the first root ID in the configuration of a wasme image, or "" without a root
// ID.
func rootIDOf(config []byte) string {
	var c struct {
		Config struct {
			RootIDs []string `json:"rootIds"`
		} `json:"config"`
	}
	if json.Unmarshal(config, &c) != nil || len(c.Config.RootIDs) == 0 || strings.ContainsRune(c.Config.RootIDs[0], 0) {
		return ""
	}
	return c.Config.RootIDs[0]
}

func unusable(message string) *spec.Error {
	return &spec.Error{
		Code: CodeImage, Message: message,
		Hint: "push the module as a Wasm artifact (one layer of application/wasm), or as an image with plugin.wasm in its last layer",
	}
}

// cut shortens a foreign word for an error.
func cut(word string) string {
	const most = 100
	quoted := strings.Trim(fmt.Sprintf("%q", word), `"`)
	if len(quoted) > most {
		return quoted[:most] + "…"
	}
	return quoted
}
