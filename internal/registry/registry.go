// Package registry talks to OCI registries. It uses oras-go's client with limits on every wait,
// takes credentials from the Docker configuration, and returns errors with the registry's own
// message.
//
// Read error.go first, then the way of a request from the bottom up: transport.go has the pauses
// that registries ask for and the retries, credentials.go and helper.go the credentials, and
// registry.go the [Client]. fetch.go adds manifests and blobs.
package registry

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	oras "oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/retry"

	"github.com/wasm-xds/wasm-xds/internal/certs"
	"github.com/wasm-xds/wasm-xds/internal/netguard"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// ParseReference is like [spec.ParseReference], with an error that quotes the text.
func ParseReference(text string) (Reference, error) {
	ref, err := spec.ParseReference(text)
	if err != nil {
		return ref, &Error{Code: CodeReference, What: text, Words: err.Error()}
	}
	return ref, nil
}

// Config configures the access to registries. The zero value uses HTTPS with the system's roots,
// and the credentials of the user's own Docker configuration.
type Config struct {
	// Insecure are the registries to use over plain HTTP: host:port, or a host for all its ports.
	Insecure []string
	// CAFile is a PEM file with certificates to trust in addition to the system's. "" means none.
	CAFile string
	// DockerConfig is the credentials file. "" means config.json in $DOCKER_CONFIG or ~/.docker.
	// Changes of the file take effect with the next request.
	DockerConfig string
	// Guard decides which addresses the client may connect to.
	Guard netguard.Guard
	// Gate limits concurrent fetches. nil means a gate of the client's own.
	Gate *transfer.Gate
}

const (
	tlsLimit    = 10 * time.Second
	headerLimit = 30 * time.Second
	idleLimit   = 15 * time.Second
	// resolveLimit bounds all attempts of one Resolve together.
	resolveLimit = 2 * time.Minute
)

// Client talks to registries. A Client is safe for concurrent use, and caches tokens.
type Client struct {
	insecure  []string // as in [Config]
	transport *http.Transport
	keys      *keyring
}

// New makes a client. It fails if the CA file has no certificates.
func New(cfg Config) (*Client, error) {
	roots, err := certs.Roots(cfg.CAFile)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy:                  cfg.Guard.Proxy,
		DialContext:            cfg.Guard.Dialer().DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    tlsLimit,
		ResponseHeaderTimeout:  headerLimit,
		IdleConnTimeout:        idleLimit,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
	gate := cfg.Gate
	if gate == nil {
		gate = &transfer.Gate{}
	}
	limits := &rateLimits{base: gate.Wrap(transport), until: map[string]time.Time{}}
	client := &http.Client{
		Transport: &listener{base: &retry.Transport{
			Base: limits, Policy: func() retry.Policy { return policy{} },
		}},
		CheckRedirect: netguard.CheckRedirect,
	}
	return &Client{insecure: cfg.Insecure, transport: transport, keys: newKeyring(cfg.DockerConfig, client)}, nil
}

// Close closes the idle connections. The client stays usable.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Store returns the Docker configuration as a store for the credentials of a login. plain allows
// plain text in the configuration if no helper is configured.
func (c *Client) Store(plain bool) (credentials.Store, error) { return c.keys.store(plain) }

// plainHTTP reports whether a registry is among the insecure registries.
func (c *Client) plainHTTP(registry string) bool {
	host, _, err := net.SplitHostPort(registry)
	if err != nil {
		host = registry
	}
	for _, insecure := range c.insecure {
		if strings.EqualFold(insecure, registry) || strings.EqualFold(insecure, host) {
			return true
		}
	}
	return false
}

// Repository returns oras' client for ref's repository. Use [Client.With] or [ErrorOf] to turn the
// errors of the repository into *Error. Repository fails with an *Error if the credentials cannot
// be read.
func (c *Client) Repository(_ context.Context, ref Reference, from Credentials) (*remote.Repository, error) {
	client, err := c.keys.authorized(ref.Registry, from)
	if err != nil {
		return nil, err
	}
	return &remote.Repository{
		Client:          client,
		Reference:       oras.Reference{Registry: ref.Registry, Repository: ref.Repository, Reference: ref.Target()},
		PlainHTTP:       c.plainHTTP(ref.Registry),
		TagListMaxPages: 1000, ReferrerListMaxPages: 100,
	}, nil
}

// Registry returns oras' client for a registry, by its host or host:port.
func (c *Client) Registry(_ context.Context, host string, from Credentials) (*remote.Registry, error) {
	reg, err := remote.NewRegistry(host)
	if err != nil {
		return nil, &Error{Code: CodeReference, What: host, Words: "is no registry's host or host:port"}
	}
	client, problem := c.keys.authorized(host, from)
	if problem != nil {
		return nil, problem
	}
	reg.Client, reg.PlainHTTP = client, c.plainHTTP(host)
	return reg, nil
}

// With calls do with the repository of ref. An error that the registry caused becomes an *Error
// with the registry's own message. Other errors stay unchanged.
func (c *Client) With(ctx context.Context, ref Reference, from Credentials, do func(context.Context, *remote.Repository) error) error {
	repository, err := c.Repository(ctx, ref, from)
	if err != nil {
		return err
	}
	heard := &heard{}
	err = do(context.WithValue(ctx, heardKey{}, heard), repository)
	return errorOf(ref.String(), ref.Registry, err, heard)
}

// Resolve looks up a tag or digest by HEAD and returns the descriptor of the manifest or index. It
// takes at most two minutes. Its error is an *Error.
func (c *Client) Resolve(ctx context.Context, ref Reference, from Credentials) (ocispec.Descriptor, error) {
	ctx, cancel := context.WithTimeout(transfer.Question(ctx), resolveLimit)
	defer cancel()
	var found ocispec.Descriptor
	err := c.With(ctx, ref, from, func(ctx context.Context, repository *remote.Repository) error {
		var err error
		found, err = repository.Resolve(ctx, ref.Target())
		if err == nil || !hasAnswered(err) {
			return err
		}
		// A refused HEAD has no message, and some registries do not support HEAD.
		described, body, err := repository.FetchReference(ctx, ref.Target())
		if err != nil {
			return err
		}
		found = described
		return body.Close()
	})
	return found, err
}
