package module

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/layer"
	"github.com/wasm-xds/wasm-xds/internal/netguard"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// urls downloads modules from web servers into the store.
type urls struct {
	store     *Store
	peers     Peers // nil: none
	client    *http.Client
	schedule  func() backoff.BackOff // of the retries of one download
	logger    *zap.Logger
	downloads keyedLock // by sha256
}

// fetch downloads the module, unless the store has the module.
func (w *urls) fetch(ctx context.Context, m spec.Module, anyBytes bool) (snapshot.Module, *spec.Error) {
	fail := func(err error) (snapshot.Module, *spec.Error) {
		return snapshot.Module{}, urlError(m, err)
	}
	target, err := url.Parse(m.URL)
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return fail(&spec.Error{Code: CodeURLInvalid, Message: "module.url is not an http or https URL"})
	}
	if !snapshot.IsSHA256(m.SHA256) {
		return fail(&spec.Error{
			Code:    CodeSHA256Missing,
			Message: "module.url needs module.sha256, 64 lowercase hex digits",
			Hint:    "run sha256sum on the module and put the result into the spec",
		})
	}
	// Several specs may name the same module. Fetch the module only once.
	unlock, err := w.downloads.lock(ctx, m.SHA256)
	if err != nil {
		return fail(err)
	}
	defer unlock()
	if stored, ok := w.store.known(m.SHA256); ok {
		return stored, nil
	}
	check := func(stored *os.File, found snapshot.Module) error {
		return checkDownload(stored, found, m, redacted(target), anyBytes)
	}
	if stored, ok := fromPeers(ctx, w.peers, w.store, m.SHA256, check); ok {
		return stored, nil
	}
	d := &download{
		url:    target,
		sha256: m.SHA256,
		client: w.client,
		store:  w.store,
		logger: w.logger.With(zap.String("url", redacted(target)), zap.String("sha256", m.SHA256)),
		check:  check,
	}
	stored, err := d.run(ctx, w.schedule())
	if err != nil {
		return fail(err)
	}
	return stored, nil
}

// checkDownload is like check, but compares the digest first. So wrong bytes are distinguished from
// a module that was published broken.
func checkDownload(stored *os.File, found snapshot.Module, m spec.Module, what string, anyBytes bool) error {
	if found.SHA256 != m.SHA256 {
		return mismatch(m, found.SHA256, what)
	}
	err := check(stored, found, m, what, anyBytes)
	var problem *spec.Error
	if errors.As(err, &problem) && problem.Code == CodeIncomplete {
		// No copy is in progress here, so the bytes are final.
		problem.Code, problem.Hint = CodeMalformed, "build and publish it again"
	}
	return err
}

// urlError turns an error of a download into a spec error.
func urlError(m spec.Module, err error) *spec.Error {
	what := m.URL
	if target, parseErr := url.Parse(m.URL); parseErr == nil {
		what = redacted(target)
	}
	problem := &spec.Error{}
	status, ofTLS := &statusError{}, &tlsError{}
	switch {
	case errors.As(err, &problem):
	case errors.Is(err, errStore):
		problem = storeFailed(what, err)
	case errors.Is(err, ErrTooLarge), errors.Is(err, layer.ErrTooLarge):
		problem.Code, problem.Message, problem.Hint = tooLarge(what)
	case errors.As(err, &status) && !status.retryable():
		problem.Code, problem.Message = CodeRefused, fmt.Sprintf("module %s: %v", what, err)
		problem.Hint = status.hint()
	case errors.Is(err, netguard.ErrRefused):
		problem.Code, problem.Message = CodeAddressRefused, fmt.Sprintf("module %s: %v", what, err)
		problem.Hint = "keep the module where it may be fetched from, or use module.file"
	case errors.As(err, &ofTLS):
		problem.Code, problem.Message = CodeDownloadFailed, fmt.Sprintf("module %s: %v", what, ofTLS)
		if problem.Hint = ofTLS.cause.Hint; ofTLS.cause.Plain {
			problem.Hint = "write http:// if that is meant, or use the port on which it speaks HTTPS"
		}
	case isArchiveError(err):
		problem.Code, problem.Message = CodeArchive, fmt.Sprintf("module %s %v", what, err)
		problem.Hint = "publish the .wasm itself, or one in a tar, as plugin.wasm"
	case errors.Is(err, netguard.ErrRedirect):
		problem.Code, problem.Message = CodeRefused, fmt.Sprintf("module %s: %v", what, err)
		problem.Hint = "name the URL that the module really has"
	default:
		problem.Code, problem.Message = CodeDownloadFailed, fmt.Sprintf("module %s: %v", what, err)
		problem.Hint = "look whether this machine reaches the server; a module that is in the store already is not fetched again"
	}
	problem.Pos = m.Pos
	return problem
}

// redacted returns the URL without the parts that may be secret: user, password, query and
// fragment.
func redacted(u *url.URL) string {
	safe := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return safe.String()
}
