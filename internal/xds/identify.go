package xds

import (
	"context"
	"sync"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/wasm-xds/wasm-xds/internal/identity"
)

// Identities decide which Envoys clients may be. Any goroutine may call the functions.
type Identities struct {
	// Decide compares a claim with a certificate, see [identity.Rules.Decide].
	Decide func(c identity.Certificate, node, cluster string) (*identity.Grant, *identity.Refusal)
	// Refused is told of each refused claim.
	Refused func(RefusedClaim)
}

// RefusedClaim is a claim that the certificate of a client does not cover.
type RefusedClaim struct {
	Certificate identity.Certificate
	// Text is the claimed node id, cluster or filter.
	Text    string
	Address string
	identity.Refusal
}

// claimed is the text of a refused claim to be an Envoy.
func claimed(no *identity.Refusal, node, cluster string) string {
	if no.Claim == identity.ClaimCluster {
		return node + " in " + cluster
	}
	return node
}

// bond ties a stream to the certificate of its client. The zero value ties nothing.
type bond struct {
	all         *Identities // nil: clients are not identified
	certificate identity.Certificate

	// mu is held while delivery hears of another grant, so the newest grant comes last. The
	// goroutine with the control plane's state never takes mu.
	mu            sync.Mutex
	node, cluster string
	grant         *identity.Grant // nil: the client has not asked yet, or is refused
	told          bool            // delivery knows the stream
}

// certificateOf returns the names of the client of a connection, which the handshake has verified.
func certificateOf(ctx context.Context) identity.Certificate {
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(credentials.TLSInfo); ok && len(info.State.PeerCertificates) > 0 {
			return identity.Of(info.State.PeerCertificates[0])
		}
	}
	return identity.Certificate{}
}
