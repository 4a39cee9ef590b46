package module

import (
	"context"
	"crypto/x509"
	"net/http"
	"sync"

	"github.com/cenkalti/backoff/v5"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/netguard"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/internal/signature"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
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
	// Peers are asked for a module with a known sha256 before its own server is. nil means nobody.
	Peers Peers
	// Gate limits downloads from URLs. nil means a gate of the resolver's own.
	Gate   *transfer.Gate
	Logger *zap.Logger // nil: no logs
	// Verify says by whom every module must be signed, in addition to the spec's own requirements.
	// Its zero value means that only the spec's requirements apply. Its TrustedRoot is also for the
	// identities of specs without a root of their own.
	Verify spec.Verify
	// Checked remembers verified signatures. nil means a memory that lasts until the process ends.
	Checked *signature.Checked

	// retries returns the schedule for the retries of one download. nil means exponential pauses.
	retries func() backoff.BackOff

	setup sync.Once
	parts parts // set by setup
}

// parts do the resolver's work.
type parts struct {
	files      files
	urls       urls
	images     images
	signatures signatures
}

// ready returns the resolver's parts, with the defaults for all fields that are not set.
func (r *Resolver) ready() *parts {
	r.setup.Do(func() {
		client := newHTTPClient(r.HTTP, r.Guard, r.Roots, r.Gate)
		ofRegistry := sync.OnceValues(func() (*registry.Client, error) {
			if r.Registry != nil {
				return r.Registry, nil
			}
			return registry.New(registry.Config{Guard: r.Guard, Gate: r.Gate})
		})
		schedule, logger, checked := r.retries, r.Logger, r.Checked
		if schedule == nil {
			schedule = func() backoff.BackOff { return downloadPauses.Schedule() }
		}
		if logger == nil {
			logger = zap.NewNop()
		}
		if checked == nil {
			checked = &signature.Checked{}
		}
		r.parts = parts{
			files:      files{store: r.Store},
			urls:       urls{store: r.Store, peers: r.Peers, client: client, schedule: schedule, logger: logger},
			images:     images{store: r.Store, peers: r.Peers, registry: ofRegistry, schedule: schedule, logger: logger},
			signatures: signatures{store: r.Store, client: client, registry: ofRegistry, checked: checked},
		}
	})
	return &r.parts
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

func (r *Resolver) resolve(ctx context.Context, m spec.Module, anyBytes bool) (snapshot.Module, *spec.Error) {
	if err := checkBounds(m); err != nil {
		return snapshot.Module{}, err
	}
	p := r.ready()
	fetch := p.urls.fetch
	switch {
	case m.File != nil:
		fetch = p.files.fetch
	case m.OCI.Registry != "":
		fetch = p.images.fetch
	}
	stored, err := fetch(ctx, m, anyBytes)
	if err == nil {
		err = p.signatures.check(ctx, m, stored, r.Verify)
	}
	if err != nil {
		return snapshot.Module{}, err
	}
	return stored, nil
}

// ResolveTag asks the registry for the digest of a module's reference, and fetches nothing else. A
// reference with a digest needs no request.
func (r *Resolver) ResolveTag(ctx context.Context, m spec.Module) (digest string, problem *spec.Error) {
	if err := checkBounds(m); err != nil {
		return "", err
	}
	return r.ready().images.resolveTag(ctx, m)
}

// CheckBundle returns nil if the image of a bundle is signed as the server requires.
func (r *Resolver) CheckBundle(ctx context.Context, client *registry.Client, ref spec.Reference, manifest ocispec.Descriptor) *spec.Error {
	return r.ready().signatures.checkBundle(ctx, client, ref, manifest, r.Verify)
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
