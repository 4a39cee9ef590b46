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

// MaxSize is the size of the largest module that is taken, in bytes.
const MaxSize = 256 << 20

// The codes of the errors that resolving a module ends with.
const (
	CodeMissing        = "module_missing"          // there is no such file
	CodeUnreadable     = "module_unreadable"       // the file cannot be read
	CodeNotAFile       = "module_not_a_file"       // a directory, a pipe, …
	CodeTooLarge       = "module_too_large"        // more than MaxSize
	CodeChanging       = "module_changing"         // the file changed while it was read
	CodeIncomplete     = "module_incomplete"       // the end of the Wasm is missing
	CodeMalformed      = "module_malformed"        // Wasm whose framing is wrong
	CodeNotWasm        = "module_not_wasm"         // something else
	CodeComponent      = "module_component"        // a component, where Envoy needs a core module
	CodeSHA256Mismatch = "module_sha256_mismatch"  // not the bytes that the spec names
	CodeSHA256Missing  = "module_sha256_missing"   // a URL without a sha256
	CodeURLInvalid     = "module_url_invalid"      // not an http or https URL
	CodeDownloadFailed = "module_download_failed"  // network, 429 or 5xx: may work later
	CodeRefused        = "module_download_refused" // another status: will not work by itself
	CodeArchive        = "module_archive"          // a gzip or tar that is damaged, hostile, or holds no module
	CodeAddressRefused = "module_address_refused"  // the URL leads where this server does not connect to
	CodeStoreFailed    = "module_store_failed"     // this machine's disk
)

// Resolver turns a spec's module reference into a module in the store. It must
// not be copied after its first use, and is safe for concurrent use.
type Resolver struct {
	Store *Store
	HTTP  *http.Client // nil: one with timeouts, the system's roots and the Guard
	Guard netguard.Guard
	// Roots are what certificates of servers are trusted by, where HTTP is nil; nil: the system's.
	Roots *x509.CertPool
	// Registry is for modules from registries; nil: one with the defaults and the Guard.
	Registry *registry.Client
	// Gate bounds downloads from URLs; nil: one of the resolver's own.
	Gate   *transfer.Gate
	Logger *zap.Logger // nil: no logs
	// Keys are files with public keys, by one of which every module must be signed,
	// whatever its spec asks for beside that. nil: what the spec asks for is all.
	Keys []string
	// Checked remembers the signatures that were checked; nil: until the process ends.
	Checked *signature.Checked

	// retries makes the schedule of one download's retries; nil: exponential.
	retries func() backoff.BackOff

	downloads keyedLock
	setup     sync.Once
	client    *http.Client

	registrySetup   sync.Once
	ownRegistry     *registry.Client
	registryProblem error

	ownChecked signature.Checked
}

// Resolve brings the module into the store, if it is not there, and names it.
// A file takes as long as reading it; a URL or a registry may take minutes, the retries
// included, and ends early with ctx. The error is nil or says what is wrong and
// what to do, at the module's position.
func (r *Resolver) Resolve(ctx context.Context, m spec.Module) (snapshot.Module, *spec.Error) {
	return r.resolve(ctx, m, false)
}

// ResolveSpec is Resolve for a spec's module. Errors name the filter, and with
// the null runtime, whose modules are names of compiled-in plugins, any bytes do.
func (r *Resolver) ResolveSpec(ctx context.Context, s *spec.Spec) (snapshot.Module, *spec.Error) {
	m, err := r.resolve(ctx, s.Module, s.VM.Runtime == spec.NullRuntime)
	if err != nil {
		err.Name = s.Name
	}
	return m, err
}

// Retryable says whether resolving may end otherwise the next time although
// neither the spec nor the file changes.
func Retryable(err *spec.Error) bool {
	switch err.Code {
	case CodeChanging, CodeIncomplete, CodeDownloadFailed, CodeAddressRefused, CodeStoreFailed, CodeSignatureUnavailable:
		return true
	case registry.CodeCredentials, registry.CodeUnauthorized, registry.CodeNotFound, registry.CodeRateLimited,
		registry.CodeUnreachable, registry.CodeUntrusted, registry.CodeFailed, registry.CodeCorrupt:
		return true // an image may be pushed later, and a right be given
	case signature.CodeMissing, signature.CodeInvalid:
		return true // who signs does so after pushing
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

// storeFailed words an error of the store's own files.
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
