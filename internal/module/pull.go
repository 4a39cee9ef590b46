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

// pull is the pull of one image into the store.
type pull struct {
	client   *registry.Client
	store    *Store
	peers    Peers // nil: none
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
	check := func(stored *os.File, found snapshot.Module) error {
		return checkLayer(stored, found, p.module, p.anyBytes)
	}
	if stored, ok := fromPeers(ctx, p.peers, p.store, layerSHA256(p.module, described), check); ok {
		return stored, nil
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
