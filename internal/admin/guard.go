package admin

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// guard refuses requests of a browser on behalf of another site's page.
//
// A page can reach this server in two ways. First, the page can send a request across sites. The
// browser then marks the request (Sec-Fetch-Site, Origin), and guard refuses a changing request.
// Second, the page's own name can be made to point at this machine (DNS rebinding). The browser
// then sees a single site, but the Host header has the page's name. An IP address cannot be
// rebound, so guard lets in IP addresses and the machine's own names. ownName knows further names,
// as those of the server's certificate: a browser does not accept the certificate for another name.
// A server that listens on more than loopback may have names of which this machine knows nothing.
// There, guard checks only changing requests.
func guard(next http.Handler, ownName func(host string) bool) http.Handler {
	crossSite := http.NewCrossOriginProtection()
	crossSite.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, &api.Error{
			Code: api.CodeCrossSite, Message: "a page of another site may not change anything here",
			Hint: "use wasm-xds, curl, or this server's own page",
		})
	}))
	hostname, _ := os.Hostname() // unknown: only the other names are let in
	checked := crossSite.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if (!isRead(r) || onLoopback(r)) && !ownHost(r.Host, hostname, ownName) {
			writeError(w, &api.Error{
				Code: api.CodeCrossSite, Message: "this server does not answer under the name " + r.Host,
				Hint: "use its IP address, localhost, or a name of its certificate",
			})
			return
		}
		checked.ServeHTTP(w, r)
	})
}

func onLoopback(r *http.Request) bool {
	address, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	at, err := netip.ParseAddrPort(address.String())
	return err == nil && at.Addr().Unmap().IsLoopback()
}

// ownHost says whether the Host header names this machine in a way the owner of another site cannot
// imitate.
func ownHost(host, hostname string, ownName func(string) bool) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") ||
		(hostname != "" && host == strings.ToLower(hostname)) || (ownName != nil && ownName(host))
}
