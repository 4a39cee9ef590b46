package module

import (
	"errors"
	"fmt"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/layer"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/internal/signature"
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
	CodeImage          = "module_image"            // an image with no module or with several modules

	// CodeSignatureUnavailable means a signature cannot be fetched, so the answer is
	// unknown.
	CodeSignatureUnavailable = "signature_unavailable"
)

// Retryable reports whether the same module may resolve later without a change of the spec or file.
func Retryable(err *spec.Error) bool {
	switch err.Code {
	case CodeChanging, CodeIncomplete, CodeDownloadFailed, CodeAddressRefused, CodeStoreFailed, CodeSignatureUnavailable:
		return true
	case registry.CodeCredentials, registry.CodeUnauthorized, registry.CodeNotFound, registry.CodeRateLimited,
		registry.CodeUnreachable, registry.CodeUntrusted, registry.CodeFailed, registry.CodeCorrupt:
		return true // the image may be pushed or the permission granted later
	case signature.CodeMissing, signature.CodeInvalid, signature.CodeAttestationMissing, signature.CodeAttestationInvalid:
		return true // images are signed and attested after the push
	default:
		return false
	}
}

// The errors of the store, wrapped with details. For a missing module the error is
// [fs.ErrNotExist].
var (
	ErrTooLarge = errors.New("module is too large")
	ErrCorrupt  = errors.New("module does not match its sha256")
	ErrSHA256   = errors.New("not a sha256 of 64 lowercase hex digits")
)

// errStore distinguishes errors of the store's own files from errors of a module's source.
var errStore = errors.New("module store")

// storeFailed turns an error of the store's own files into a spec error.
func storeFailed(what string, err error) *spec.Error {
	return &spec.Error{
		Code:    CodeStoreFailed,
		Message: fmt.Sprintf("module %s cannot be stored: %v", what, err),
		Hint:    "look at the state directory's free space and permissions",
	}
}

// pickedUp is the hint for a file that is being written.
const pickedUp = "it is picked up when the copy is complete"

// mismatch is the error for bytes that are not the bytes of the spec.
func mismatch(m spec.Module, got, what string) *spec.Error {
	hint := fmt.Sprintf("if these are the bytes you mean, put module.sha256: %s into the spec", got)
	if strings.EqualFold(m.SHA256, got) {
		hint = "write the sha256 in lower case"
	}
	return &spec.Error{
		Code:    CodeSHA256Mismatch,
		Message: fmt.Sprintf("module %s has sha256 %s, but the spec says %s", what, got, m.SHA256),
		Hint:    hint,
	}
}

// tooLarge words the error for a module beyond [MaxSize].
func tooLarge(what string) (code, message, hint string) {
	return CodeTooLarge, fmt.Sprintf("module %s has more than %d MiB", what, MaxSize>>20),
		"strip it (wasm-strip, or -ldflags=-s with Go) or build it with optimization"
}

// isArchiveError reports whether an error is about the gzip or tar around a module.
func isArchiveError(err error) bool {
	for _, one := range []error{layer.ErrMalformed, layer.ErrNoModule, layer.ErrAmbiguous, layer.ErrPath, layer.ErrLink} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}
