package module

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/netguard"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
)

// newHTTPClient returns a copy of the given client with the rules for redirects and the gate's
// limits. nil means a client with timeouts, these roots and the guard; a nil gate means a gate of
// its own.
func newHTTPClient(given *http.Client, guard netguard.Guard, roots *x509.CertPool, gate *transfer.Gate) *http.Client {
	if gate == nil {
		gate = &transfer.Gate{}
	}
	var client http.Client
	if given != nil {
		client = *given
	} else {
		client.Transport = &http.Transport{
			Proxy:                  guard.Proxy,
			DialContext:            guard.Dialer().DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    10 * time.Second,
			ResponseHeaderTimeout:  30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			ForceAttemptHTTP2:      true,
			// Downloads are rare, so a kept connection would only waste a goroutine.
			DisableKeepAlives: true,
		}
	}
	client.Transport = gate.Wrap(client.Transport)
	client.CheckRedirect = netguard.CheckRedirect
	return &client
}
