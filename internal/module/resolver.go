package module

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"sync"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/netguard"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/internal/signature"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// MaxSize is the size limit of a module, in bytes.
const MaxSize = 256 << 20

// The codes of the errors of resolving a module.
const (
	CodeMissing        = "module_missing"          // the file does not exist
	CodeUnreadable     = "module_unreadable"       // the file cannot be read
	CodeNotAFile       = "module_not_a_file"       // a directory, a pipe, …
	CodeTooLarge       = "module_too_large"        // more than MaxSize
	CodeChanging       = "module_changing"         // the file changed while it was read
	CodeIncomplete     = "module_incomplete"       // the end of the Wasm is missing
	CodeMalformed      = "module_malformed"        // Wasm with wrong framing
	CodeNotWasm        = "module_not_wasm"         // neither Wasm nor a known archive
	CodeComponent      = "module_component"        // a component, where Envoy needs a core module
	CodeSHA256Mismatch = "module_sha256_mismatch"  // the bytes do not match the spec's sha256
	CodeSHA256Missing  = "module_sha256_missing"   // a URL without a sha256
	CodeURLInvalid     = "module_url_invalid"      // not an http or https URL
	CodeDownloadFailed = "module_download_failed"  // network error, 429 or 5xx: a retry may succeed
	CodeRefused        = "module_download_refused" // another status: a retry will not succeed
	CodeArchive        = "module_archive"          // a gzip or tar that is damaged, hostile, or without a module
	CodeAddressRefused = "module_address_refused"  // the guard refuses the URL's address
	CodeStoreFailed    = "module_store_failed"     // an error of this machine's disk
)

// Resolver turns a spec's module reference into a module in the store. It must not be copied after
// its first use. It is safe for concurrent use.
type Resolver struct {
	Store *Store
	HTTP  *http.Client // nil: a client with timeouts, the system's roots and the Guard
	Guard netguard.Guard
	// Roots verify the certificates of servers if HTTP is nil. nil means the system's roots.
	Roots *x509.CertPool
	// Registry fetches modules from registries. nil means a client with the defaults and the Guard.
	Registry *registry.Client
	// Gate limits downloads from URLs. nil means a gate of the resolver's own.
	Gate   *transfer.Gate
	Logger *zap.Logger // nil: no logs
	// Keys are files with public keys. Every module must be signed by one of these keys, in
	// addition to the spec's own requirements. nil means that only the spec's requirements apply.
	Keys []string
	// Checked remembers verified signatures. nil means a memory that lasts until the process ends.
	Checked *signature.Checked

	// retries returns the schedule for the retries of one download. nil means exponential pauses.
	retries func() backoff.BackOff

	downloads keyedLock
	setup     sync.Once
	client    *http.Client

	registrySetup   sync.Once
	ownRegistry     *registry.Client
	registryProblem error

	ownChecked signature.Checked
}

// Resolve makes sure that the module is in the store, and returns its identity. A file takes as
// long as its reading. A URL or a registry may take minutes including retries, but ends early with
// ctx. The error is at the module's position and contains the next step.
func (r *Resolver) Resolve(ctx context.Context, m spec.Module) (snapshot.Module, *spec.Error) {
	return r.resolve(ctx, m, false)
}

// ResolveSpec is Resolve for a spec's module, with the filter's name in errors. In the null runtime
// a module is the name of a compiled-in plugin, so any bytes are valid there.
func (r *Resolver) ResolveSpec(ctx context.Context, s *spec.Spec) (snapshot.Module, *spec.Error) {
	m, err := r.resolve(ctx, s.Module, s.VM.Runtime == spec.NullRuntime)
	if err != nil {
		err.Name = s.Name
	}
	return m, err
}

// Retryable reports whether the same module may resolve later without a change of the spec or file.
func Retryable(err *spec.Error) bool {
	switch err.Code {
	case CodeChanging, CodeIncomplete, CodeDownloadFailed, CodeAddressRefused, CodeStoreFailed, CodeSignatureUnavailable:
		return true
	case registry.CodeCredentials, registry.CodeUnauthorized, registry.CodeNotFound, registry.CodeRateLimited,
		registry.CodeUnreachable, registry.CodeUntrusted, registry.CodeFailed, registry.CodeCorrupt:
		return true // the image may be pushed or the permission granted later
	case signature.CodeMissing, signature.CodeInvalid:
		return true // images are signed after the push
	default:
		return false
	}
}

func (r *Resolver) resolve(ctx context.Context, m spec.Module, anyBytes bool) (snapshot.Module, *spec.Error) {
	bring := r.resolveURL
	switch {
	case m.File != nil:
		bring = r.resolveFile
	case m.OCI.Registry != "":
		bring = r.resolveOCI
	}
	stored, err := bring(ctx, m, anyBytes)
	if err == nil {
		err = r.checkSigned(ctx, m, stored)
	}
	if err != nil {
		return snapshot.Module{}, err
	}
	return stored, nil
}

// storeFailed turns an error of the store's own files into a spec error.
func storeFailed(what string, err error) *spec.Error {
	return &spec.Error{
		Code:    CodeStoreFailed,
		Message: fmt.Sprintf("module %s cannot be stored: %v", what, err),
		Hint:    "look at the state directory's free space and permissions",
	}
}

func (r *Resolver) logger() *zap.Logger {
	if r.Logger == nil {
		return zap.NewNop()
	}
	return r.Logger
}
