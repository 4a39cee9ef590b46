package serve

import (
	"net/http"

	"github.com/wasm-xds/wasm-xds/internal/control"
	"github.com/wasm-xds/wasm-xds/internal/identity"
	"github.com/wasm-xds/wasm-xds/internal/xds"
)

// identifiedAccess decides by the certificate which modules a client gets. identifiedAccess is a
// [moduleserver.Access].
type identifiedAccess struct {
	control *control.Control
	refused func(xds.RefusedClaim)
}

// Client names the client of a request by its certificate.
func (identifiedAccess) Client(r *http.Request) string { return certificateOf(r).Key() }

// Refuses returns the reason not to answer with a module.
func (a identifiedAccess) Refuses(r *http.Request, sha256 string) string {
	c := certificateOf(r)
	if a.control.MayFetch(r.Context(), c.Key(), sha256) {
		return ""
	}
	no := identity.RefuseModule(c, sha256)
	a.refused(xds.RefusedClaim{Certificate: c, Text: sha256, Address: r.RemoteAddr, Refusal: *no})
	return "no filter with this module is served to this client"
}

func certificateOf(r *http.Request) identity.Certificate {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return identity.Certificate{}
	}
	return identity.Of(r.TLS.PeerCertificates[0])
}
