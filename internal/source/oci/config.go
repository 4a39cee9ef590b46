package oci

import (
	"context"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// DefaultRefresh is the default of [Config.Refresh].
const DefaultRefresh = 30 * time.Second

// Config configures a Source.
type Config struct {
	Reference spec.Reference   // required
	Client    *registry.Client // required
	// Dir is the directory for the last good bundle, created if necessary. Required. No other
	// source or process may use the directory.
	Dir string
	// Refresh is the time between two looks at the tag, plus or minus a tenth. It is longer when
	// the registry asks for a longer pause. 0 means [DefaultRefresh].
	Refresh time.Duration
	// Verify checks a bundle when only its manifest is known. The source calls Verify once per
	// digest, and again after an error that may pass. nil means no check.
	Verify func(ctx context.Context, manifest ocispec.Descriptor) *spec.Error
	// Logger receives events that are not part of a set. nil logs nothing.
	Logger *zap.Logger
	// Decode parses a spec file. nil means [spec.Decode].
	Decode bundle.Decode
	// Failed is called with the code of each failed look. nil means no call.
	Failed func(code string)
}

// Root returns the prefix of the File of each spec in a bundle, without the slash that follows. The
// prefix is the same for all versions of the bundle.
func Root(ref spec.Reference) string { return "oci://" + ref.String() }

// exact returns the name of a version of a bundle, for errors.
func exact(ref spec.Reference, digest string) string {
	return "oci://" + spec.Reference{Registry: ref.Registry, Repository: ref.Repository, Digest: digest}.String()
}
