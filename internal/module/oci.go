package module

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cenkalti/backoff/v5"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/layer"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const (
	maxIndexDepth = 3
	maxConfig     = 1 << 20 // bytes of an image's configuration
	ociTries      = 3
)

// CodeImage is the code of an error for an image with no module or with several modules.
const CodeImage = "module_image"

// ResolveTag asks the registry for the digest of a module's reference, and fetches nothing else. A
// reference with a digest needs no request.
func (r *Resolver) ResolveTag(ctx context.Context, m spec.Module) (digest string, problem *spec.Error) {
	if m.OCI.Pinned() {
		return m.OCI.Digest, nil
	}
	client, err := r.registryClient()
	if err != nil {
		return "", registryError(m, err)
	}
	found, err := client.Resolve(ctx, m.OCI, credentialsOf(m))
	if err != nil {
		return "", registryError(m, err)
	}
	return found.Digest.String(), nil
}

// resolveOCI pulls a module from a registry, unless the store has the module of the digest.
func (r *Resolver) resolveOCI(ctx context.Context, m spec.Module, anyBytes bool) (snapshot.Module, *spec.Error) {
	digest, problem := r.ResolveTag(ctx, m)
	if problem != nil {
		return snapshot.Module{}, problem
	}
	fail := func(err error) (snapshot.Module, *spec.Error) {
		return snapshot.Module{}, registryError(m, err)
	}
	// Several specs may name the same digest. Fetch the digest only once.
	unlock, err := r.downloads.lock(ctx, digest)
	if err != nil {
		return fail(err)
	}
	defer unlock()
	written := m.OCI.String()
	if known, ok := r.Store.image(digest); ok {
		if stored, ok := r.stored(known.SHA256); ok {
			if err := r.checkStored(stored, m, anyBytes); err != nil {
				return fail(err)
			}
			return known.module(stored, written, digest), nil
		}
	}
	client, err := r.registryClient()
	if err != nil {
		return fail(err)
	}
	p := &pull{
		client: client, store: r.Store, from: credentialsOf(m), ref: m.OCI.WithDigest(digest), module: m, anyBytes: anyBytes,
		logger: r.logger().With(zap.String("image", written), zap.String("digest", digest)),
	}
	stored, err := p.run(ctx, r.schedule())
	if err != nil {
		return fail(err)
	}
	if err := r.Store.noteImage(digest, image{SHA256: stored.SHA256, RootID: p.rootID}); err != nil {
		return fail(fmt.Errorf("%w: %w", errStore, err))
	}
	return image{RootID: p.rootID}.module(stored, written, digest), nil
}

// checkStored is like check, for bytes that the store already has because of another spec. That
// spec may have asked for fewer checks.
func (r *Resolver) checkStored(stored snapshot.Module, m spec.Module, anyBytes bool) error {
	if m.SHA256 != "" && m.SHA256 != stored.SHA256 {
		return mismatch(m, stored.SHA256, m.OCI.String())
	}
	if anyBytes {
		return nil
	}
	f, err := r.Store.Open(stored.SHA256)
	if err != nil {
		return err
	}
	defer f.Close()
	return check(f, stored, m, m.OCI.String(), anyBytes)
}

// registryClient returns the resolver's client, or a client with the default configuration.
func (r *Resolver) registryClient() (*registry.Client, error) {
	if r.Registry != nil {
		return r.Registry, nil
	}
	r.registrySetup.Do(func() { r.ownRegistry, r.registryProblem = registry.New(registry.Config{Guard: r.Guard, Gate: r.Gate}) })
	return r.ownRegistry, r.registryProblem
}

// Complete returns the spec with the root ID of the module's image, if the spec itself has no root
// ID.
func Complete(s *spec.Spec, m snapshot.Module) *spec.Spec {
	if s.RootID != "" || m.RootID == "" {
		return s
	}
	completed := *s
	completed.RootID = m.RootID
	return &completed
}

func credentialsOf(m spec.Module) registry.Credentials {
	if m.PullSecret == nil {
		return registry.Credentials{}
	}
	return registry.Credentials{PullSecret: m.PullSecret.Path}
}

// pull is the pull of one image into the store.
type pull struct {
	client   *registry.Client
	store    *Store
	from     registry.Credentials
	ref      registry.Reference // with the digest
	module   spec.Module
	anyBytes bool
	logger   *zap.Logger

	rootID string
}

// run repeats the pull until an attempt succeeds, fails for good, or the schedule ends.
func (p *pull) run(ctx context.Context, schedule backoff.BackOff) (snapshot.Module, error) {
	return backoff.Retry(ctx,
		func() (snapshot.Module, error) {
			stored, err := p.try(ctx)
			if err != nil && !passes(err) {
				err = backoff.Permanent(err)
			}
			return stored, err
		},
		backoff.WithBackOff(schedule), backoff.WithMaxTries(ociTries), backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, pause time.Duration) {
			p.logger.Warn("a module could not be pulled, trying again", zap.Error(err), zap.Duration("in", pause))
			transfer.Report(ctx, transfer.Wait{Why: err.Error(), Until: time.Now().Add(pause)})
		}))
}

// passes reports whether an immediate retry makes sense, because the registry answered and the
// transfer broke. A refusal would repeat, and an unreachable registry gets its next attempt later.
func passes(err error) bool {
	problem := &registry.Error{}
	if !errors.As(err, &problem) {
		return false
	}
	return problem.Code == registry.CodeFailed || problem.Code == registry.CodeCorrupt || errors.Is(err, io.ErrUnexpectedEOF)
}

func (p *pull) try(ctx context.Context) (snapshot.Module, error) {
	ctx, cancelLimit := context.WithTimeoutCause(ctx, tryLimit, errTryLimit)
	defer cancelLimit()
	found, err := p.manifest(ctx)
	if err != nil {
		return snapshot.Module{}, err
	}
	module, problem := found.layer()
	if problem != nil {
		return snapshot.Module{}, problem
	}
	p.rootID = ""
	if found.Config.MediaType == soloConfig {
		config, err := p.client.BlobBytes(ctx, p.ref, p.from, found.Config, maxConfig)
		if err != nil {
			return snapshot.Module{}, err
		}
		p.rootID = rootIDOf(config)
	}
	return p.layer(ctx, module)
}

// manifest fetches the image's manifest, through indexes if necessary.
func (p *pull) manifest(ctx context.Context) (manifest, error) {
	ref := p.ref
	for range maxIndexDepth {
		described, text, err := p.client.Manifest(ctx, ref, p.from)
		if err != nil {
			return manifest{}, err
		}
		found, problem := parseManifest(described.MediaType, text)
		if problem != nil {
			return manifest{}, problem
		}
		if !found.isIndex() {
			return found, nil
		}
		next, problem := found.choose()
		if problem != nil {
			return manifest{}, problem
		}
		p.logger.Debug("an index: its image for Wasm is taken", zap.String("of", found.listed()), zap.Stringer("image", next.Digest))
		ref = ref.WithDigest(next.Digest.String())
	}
	return manifest{}, unusable("is an index of indexes of indexes")
}

// layer fetches the layer with the module, unpacks the layer in a stream, and stores the module.
func (p *pull) layer(ctx context.Context, described ocispec.Descriptor) (snapshot.Module, error) {
	if described.Size > MaxSize {
		return snapshot.Module{}, fmt.Errorf("%w: the layer has %d bytes", ErrTooLarge, described.Size)
	}
	blob, err := p.client.Blob(ctx, p.ref, p.from, described)
	if err != nil {
		return snapshot.Module{}, err
	}
	defer blob.Close()
	in := &body{ctx: ctx, r: blob, logger: p.logger, logged: time.Now(), length: described.Size}
	stored, err := p.put(ctx, in)
	if errors.Is(err, layer.ErrMalformed) {
		// The layer may be packed badly or damaged in transfer. The digest decides at the end.
		if _, broken := io.Copy(io.Discard, in); broken != nil {
			err = broken
		}
	}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = fmt.Errorf("%w: %w", errTransfer, cause)
	}
	if err == nil {
		p.logger.Info("module pulled", zap.Int64("bytes", stored.Size), zap.String("sha256", stored.SHA256))
	}
	return stored, err
}

func (p *pull) put(ctx context.Context, in io.Reader) (snapshot.Module, error) {
	unpacked, err := layer.Open(in, MaxSize)
	if err != nil {
		return snapshot.Module{}, err
	}
	defer unpacked.Close()
	return p.store.put(ctx, unpacked, MaxSize, func(stored *os.File, found snapshot.Module) error {
		// The digest is verified only at the last byte.
		if _, err := io.Copy(io.Discard, in); err != nil {
			return err
		}
		return checkLayer(stored, found, p.module, p.anyBytes)
	})
}

// checkLayer is like check, but an incomplete module in a layer counts as malformed: more bytes
// will not follow.
func checkLayer(stored *os.File, found snapshot.Module, m spec.Module, anyBytes bool) error {
	err := check(stored, found, m, m.OCI.String(), anyBytes)
	var problem *spec.Error
	if errors.As(err, &problem) && problem.Code == CodeIncomplete {
		problem.Code, problem.Hint = CodeMalformed, "build and push it again"
	}
	return err
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
