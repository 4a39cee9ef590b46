package module

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/layer"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// images pulls modules from registries into the store.
type images struct {
	store    *Store
	peers    Peers // nil: none
	registry func() (*registry.Client, error)
	schedule func() backoff.BackOff // of the retries of one pull
	logger   *zap.Logger
	pulls    keyedLock // by digest
}

// resolveTag returns the digest of a module's reference.
func (im *images) resolveTag(ctx context.Context, m spec.Module) (digest string, problem *spec.Error) {
	if m.OCI.Pinned() {
		return m.OCI.Digest, nil
	}
	client, err := im.registry()
	if err != nil {
		return "", registryError(m, err)
	}
	found, err := client.Resolve(ctx, m.OCI, credentialsOf(m))
	if err != nil {
		return "", registryError(m, err)
	}
	return found.Digest.String(), nil
}

// fetch pulls a module from a registry, unless the store has the module of the digest.
func (im *images) fetch(ctx context.Context, m spec.Module, anyBytes bool) (snapshot.Module, *spec.Error) {
	digest, problem := im.resolveTag(ctx, m)
	if problem != nil {
		return snapshot.Module{}, problem
	}
	fail := func(err error) (snapshot.Module, *spec.Error) {
		return snapshot.Module{}, registryError(m, err)
	}
	// Several specs may name the same digest. Fetch the digest only once.
	unlock, err := im.pulls.lock(ctx, digest)
	if err != nil {
		return fail(err)
	}
	defer unlock()
	written := m.OCI.String()
	if known, ok := im.store.imageOf(digest); ok {
		if stored, ok := im.store.known(known.SHA256); ok {
			if err := im.checkStored(stored, m, anyBytes); err != nil {
				return fail(err)
			}
			return known.module(stored, written, digest), nil
		}
		check := func(f *os.File, found snapshot.Module) error { return checkLayer(f, found, m, anyBytes) }
		if stored, ok := fromPeers(ctx, im.peers, im.store, known.SHA256, check); ok {
			return known.module(stored, written, digest), nil
		}
	}
	client, err := im.registry()
	if err != nil {
		return fail(err)
	}
	p := &pull{
		client: client, store: im.store, peers: im.peers, from: credentialsOf(m), ref: m.OCI.WithDigest(digest), module: m, anyBytes: anyBytes,
		logger: im.logger.With(zap.String("image", written), zap.String("digest", digest)),
	}
	stored, err := p.run(ctx, im.schedule())
	if err != nil {
		return fail(err)
	}
	if err := im.store.noteImage(digest, image{SHA256: stored.SHA256, RootID: p.rootID}); err != nil {
		return fail(fmt.Errorf("%w: %w", errStore, err))
	}
	return image{RootID: p.rootID}.module(stored, written, digest), nil
}

// checkStored is like check, for bytes that the store already has because of another spec. That
// spec may have asked for fewer checks.
func (im *images) checkStored(stored snapshot.Module, m spec.Module, anyBytes bool) error {
	if m.SHA256 != "" && m.SHA256 != stored.SHA256 {
		return mismatch(m, stored.SHA256, m.OCI.String())
	}
	if anyBytes {
		return nil
	}
	f, err := im.store.Open(stored.SHA256)
	if err != nil {
		return err
	}
	defer f.Close()
	return check(f, stored, m, m.OCI.String(), anyBytes)
}

// registryError turns an error of a module from a registry into a spec error.
func registryError(m spec.Module, err error) *spec.Error {
	what := m.OCI.String()
	problem, from := &spec.Error{}, &registry.Error{}
	switch {
	case errors.As(err, &from):
		problem = from.Problem(m.Pos)
		problem.Message = "module " + problem.Message
	case errors.As(err, &problem):
		worded := *problem
		problem = &worded
		if problem.Code == CodeImage {
			problem.Message = fmt.Sprintf("module %s %s", what, problem.Message)
		}
	case errors.Is(err, errStore):
		problem = storeFailed(what, err)
	case errors.Is(err, ErrTooLarge), errors.Is(err, layer.ErrTooLarge):
		problem.Code, problem.Message, problem.Hint = tooLarge(what)
	case isArchiveError(err):
		problem.Code, problem.Message = CodeArchive, fmt.Sprintf("module %s: its layer %v", what, err)
		problem.Hint = "push the .wasm itself, or one in a tar, as plugin.wasm"
	default:
		problem.Code, problem.Message = CodeDownloadFailed, fmt.Sprintf("module %s: %v", what, err)
		problem.Hint = "look whether this machine reaches the registry; what was fetched before is served on"
	}
	problem.Pos = m.Pos
	return problem
}
