package admin

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"

	"github.com/wasm-xds/wasm-xds/internal/address"
	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/token"
)

// caller is the client of a request, as the audit log names it.
type caller struct {
	who  string // the name of a token, a name in a certificate, unix, or the host of an address
	by   string // the evidence: token, certificate, socket or address
	role token.Role
	// known reports whether the server still knows the token. nil means no token.
	known func() bool
}

// hasLeft reports whether the caller's token is removed since the request began.
func (c caller) hasLeft() bool { return c.known != nil && !c.known() }

// callerKey is the key of the caller in a request's context.
type callerKey struct{}

func (c caller) into(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, c))
}

// callerOf returns the caller of a request that [access] has let in.
func callerOf(r *http.Request) caller {
	c, _ := r.Context().Value(callerKey{}).(caller)
	return c
}

// callerWithoutToken returns the caller as the connection tells. A caller without a token may do
// everything: without a file of tokens, everybody within reach of the address may change filters.
func callerWithoutToken(r *http.Request) caller {
	c := caller{role: token.Operate}
	switch {
	case r.TLS != nil && len(r.TLS.PeerCertificates) > 0:
		c.who, c.by = nameIn(r.TLS.PeerCertificates[0]), "certificate"
	case from(r) == socketName:
		c.who, c.by = socketName, "socket"
	default:
		c.who, c.by = address.Host(r.RemoteAddr), "address"
	}
	return c
}

// nameIn returns the first name of a certificate: a URI, a DNS name, or the common name.
func nameIn(c *x509.Certificate) string {
	switch {
	case len(c.URIs) > 0:
		return c.URIs[0].String()
	case len(c.DNSNames) > 0:
		return c.DNSNames[0]
	default:
		return c.Subject.CommonName
	}
}

// socketName stands for the address of a client of a Unix socket.
const socketName = "unix"

// from returns the address of a client.
func from(r *http.Request) string {
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && local.Network() == "unix" {
		return socketName
	}
	return r.RemoteAddr
}

// userOf is the context of a request with the name of its user.
func userOf(r *http.Request) context.Context { return api.WithUser(r.Context(), callerOf(r).who) }
