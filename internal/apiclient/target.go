package apiclient

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/address"
)

// target is a server's address, ready to connect to.
type target struct {
	scheme string // http or https
	host   string // as in a URL
	socket string // the path of a Unix socket; "": host is to be reached
	chosen bool   // the user wrote the scheme
}

// CheckAddress returns the reason for which text is no address of a server, or nil. The reason is
// the end of a sentence, for example "it is no host:port".
func CheckAddress(text string) error {
	_, err := parse(text)
	return err
}

// IsPlain reports whether a request to the address crosses a network without TLS, and the address
// does not say so itself with http://.
func IsPlain(text string) bool {
	t, err := parse(text)
	return err == nil && t.scheme == "http" && !t.chosen && t.socket == "" && !t.isLocal()
}

func parse(text string) (target, error) {
	scheme, _, isURL := strings.Cut(text, "://")
	if isURL && (scheme == "http" || scheme == "https") {
		return parseURL(text)
	}
	a, err := address.Parse(text)
	if err != nil {
		return target{}, err
	}
	if a.IsSocket() {
		return target{scheme: "http", host: "localhost", socket: a.Path()}, nil
	}
	return target{scheme: "http", host: here(text)}, nil
}

func parseURL(text string) (target, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return target{}, errors.New("it is no URL")
	case u.User != nil:
		return target{}, errors.New("a user or a password is in it, which the server does not know")
	case u.Hostname() == "":
		return target{}, errors.New("the host is missing")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return target{}, errors.New("it has more than a host and a port")
	}
	return target{scheme: u.Scheme, host: here(u.Host), chosen: true}, nil
}

// here is the address for a client of a server that listens on every address.
func here(hostPort string) string {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil || host != "0.0.0.0" && host != "::" {
		return hostPort
	}
	return net.JoinHostPort("localhost", port)
}

// isLocal reports whether the host is this machine.
func (t target) isLocal() bool {
	host, _, err := net.SplitHostPort(t.host)
	if err != nil {
		host = t.host
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
