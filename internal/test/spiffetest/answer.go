package spiffetest

import (
	"context"
	"encoding/pem"
	"strings"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wasm-xds/wasm-xds/internal/test/pki"
)

// SVID is a certificate with a SPIFFE ID.
type SVID struct {
	ID   string
	Pair pki.Pair
}

// Answer is the answer of an agent to a process.
type Answer struct {
	SVIDs []SVID // the first one is the default
	// Bundles has the CAs of trust domains, by name as example.org. That of the first SVID is the
	// agent's own, and the others are federated.
	Bundles map[string][]*pki.CA
	// PlainCA has SDS answer with a CA, as SPIRE does with disable_spiffe_cert_validation.
	// Otherwise SDS answers with Envoy's SPIFFE validator.
	PlainCA bool
}

// domainOf returns the name of an ID's trust domain.
func domainOf(id string) string {
	domain, _, _ := strings.Cut(strings.TrimPrefix(id, "spiffe://"), "/")
	return domain
}

func derOf(cas []*pki.CA) []byte {
	var all []byte
	for _, ca := range cas {
		all = append(all, blocks(ca.PEM())...)
	}
	return all
}

// blocks returns the content of all PEM blocks, in turn.
func blocks(text []byte) []byte {
	var all []byte
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		all = append(all, block.Bytes...)
	}
	return all
}

// answers has the current answer. Safe for concurrent use.
type answers struct {
	mu      sync.Mutex
	answer  *Answer       // nil: the process is not registered
	changed chan struct{} // closed with the next answer
}

// Give changes the answer to all processes.
func (a *answers) Give(answer Answer) { a.set(&answer) }

// Forget has the agent know no process.
func (a *answers) Forget() { a.set(nil) }

func (a *answers) set(answer *Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = answer
	close(a.changed)
	a.changed = make(chan struct{})
}

// follow calls send with each answer until ctx ends or more is closed.
func (a *answers) follow(ctx context.Context, more <-chan error, send func(*Answer) error) error {
	for {
		a.mu.Lock()
		answer, changed := a.answer, a.changed
		a.mu.Unlock()
		if answer == nil {
			return status.Error(codes.PermissionDenied, "no identity issued")
		}
		if err := send(answer); err != nil {
			return err
		}
		select {
		case <-changed:
		case err := <-more:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
