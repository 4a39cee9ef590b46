// Package spiffe takes the certificate of a TLS server, and the CAs of its clients, from the SPIFFE
// Workload API of an agent on this machine, for example of SPIRE.
//
// [Open] connects to the agent and follows the agent's answers: each new certificate, and each
// change of the trust bundles. [Source] is the source of a [tlsserver.Server]. While the agent is
// away, the last certificate and the last bundles stay. The certificate and the bundles become
// material in material.go, with pure functions.
package spiffe

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/grpc"
	grpcbackoff "google.golang.org/grpc/backoff"

	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/internal/tlsserver"
)

// Config names an agent. The zero value means no agent.
type Config struct {
	// Socket is the address of the Workload API: unix:// and an absolute path, or tcp:// with an IP
	// address and a port.
	Socket string
	// TrustDomains are the trust domains of the allowed clients. nil means the trust domain of the
	// server's own certificate.
	TrustDomains []string
}

// CheckSocket returns an error, as the end of a sentence, if the text is no address of an agent.
func CheckSocket(text string) error {
	path, isSocket := strings.CutPrefix(text, "unix://")
	if err := workloadapi.ValidateAddress(text); err != nil || isSocket && !strings.HasPrefix(path, "/") {
		return errors.New("an agent's socket is unix:// and an absolute path, for example unix:///run/spire/agent/api.sock")
	}
	return nil
}

// CheckTrustDomain returns an error, as the end of a sentence, if the text is no name of a trust
// domain.
func CheckTrustDomain(text string) error {
	_, err := domain(text)
	return err
}

// reconnects are the pauses between two attempts to reach the agent. An agent restarts within
// seconds.
var reconnects = pause.Policy{First: 200 * time.Millisecond, Most: 5 * time.Second}

// Source has the newest certificate and the newest bundles of an agent. Any goroutine may call the
// methods.
type Source struct {
	config  Config
	allowed []spiffeid.TrustDomain
	client  *workloadapi.Client
	stop    context.CancelFunc
	closed  atomic.Bool
	ended   sync.WaitGroup

	current atomic.Pointer[identity]
	problem atomic.Pointer[AgentError]
	first   chan struct{} // closed when there is an identity
	seen    atomic.Pointer[[sha256.Size]byte]
}

// Open follows the agent until Close. The agent may come later. Open returns the errors of
// [CheckSocket] and [CheckTrustDomain].
func Open(c Config) (*Source, error) {
	if err := CheckSocket(c.Socket); err != nil {
		return nil, err
	}
	var allowed []spiffeid.TrustDomain
	for _, name := range c.TrustDomains {
		one, err := domain(name)
		if err != nil {
			return nil, fmt.Errorf("the trust domain %q: %w", name, err)
		}
		allowed = append(allowed, one)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Source{config: c, allowed: allowed, stop: stop, first: make(chan struct{})}
	var err error
	s.client, err = workloadapi.New(ctx,
		workloadapi.WithAddr(c.Socket), workloadapi.WithBackoffStrategy(strategy{}),
		workloadapi.WithDialOptions(grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           grpcbackoff.Config{BaseDelay: reconnects.First, Multiplier: 1.6, Jitter: 0.2, MaxDelay: reconnects.Most},
			MinConnectTimeout: reconnects.Most,
		})))
	if err != nil {
		stop()
		return nil, err
	}
	s.ended.Go(func() { s.follow(ctx) })
	return s, nil
}

// follow watches until ctx ends. A watch ends by itself when the agent refuses the request.
func (s *Source) follow(ctx context.Context) {
	for ctx.Err() == nil {
		_ = s.client.WatchX509Context(ctx, s) // the error was passed to OnX509ContextWatchError
		select {
		case <-ctx.Done():
		case <-time.After(reconnects.Most):
		}
	}
}

// Close ends the connection to the agent. The material stays.
func (s *Source) Close() error {
	s.closed.Store(true)
	s.stop()
	err := s.client.Close()
	s.ended.Wait()
	return err
}

// OnX509ContextUpdate implements [workloadapi.X509ContextWatcher].
func (s *Source) OnX509ContextUpdate(x *workloadapi.X509Context) {
	next, err := newIdentity(x, s.allowed)
	if err != nil {
		s.fail(AgentError{Kind: BadAnswer, Err: err})
		return
	}
	isFirst := s.current.Swap(next) == nil
	s.problem.Store(nil)
	if isFirst {
		close(s.first)
	}
}

// OnX509ContextWatchError implements [workloadapi.X509ContextWatcher].
func (s *Source) OnX509ContextWatchError(err error) {
	if !s.closed.Load() {
		s.fail(problemOf(err))
	}
}

func (s *Source) fail(p AgentError) {
	p.Socket = s.config.Socket
	s.problem.Store(&p)
}

// Config returns the agent and the trust domains.
func (s *Source) Config() Config { return s.config }

// Ready is closed when the first certificate is there.
func (s *Source) Ready() <-chan struct{} { return s.first }

// Material implements [tlsserver.Source]. The result is nil before the first certificate.
func (s *Source) Material() *tlsserver.Material {
	if i := s.current.Load(); i != nil {
		return i.Material
	}
	return nil
}

// ID returns the SPIFFE ID of the server; "" until the first certificate is there.
func (s *Source) ID() string {
	if i := s.current.Load(); i != nil {
		return i.id.String()
	}
	return ""
}

// Reload reports whether the material has changed since the last call, and the problem with the
// agent. The certificate and the bundles are in use as soon as they have come: Reload only tells.
func (s *Source) Reload() (changed bool, err error) {
	if i := s.current.Load(); i != nil {
		last := s.seen.Swap(&i.sum)
		changed = last == nil || *last != i.sum
	}
	return changed, s.Problem()
}

// Problem returns the current problem with the agent, as a [*AgentError], or nil.
func (s *Source) Problem() error {
	if p := s.problem.Load(); p != nil {
		return p
	}
	return nil
}

// strategy has the pauses between two watches.
type strategy struct{}

// NewBackoff implements [workloadapi.BackoffStrategy].
func (strategy) NewBackoff() workloadapi.Backoff { return schedule{reconnects.Schedule()} }

type schedule struct{ backoff.BackOff }

// Next implements [workloadapi.Backoff].
func (s schedule) Next() time.Duration { return s.NextBackOff() }
