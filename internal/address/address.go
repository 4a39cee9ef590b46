// Package address has the addresses of the server's ports: a TCP address or a Unix socket.
//
// [Parse] reads an address, [Address.Listen] opens it, and [Address.Dial] connects to it. A socket
// has the mode and the group of [Permissions] from its first moment on: no other user can connect
// in between.
package address

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
)

// Address is a TCP address or the path of a Unix socket. The zero value is no address.
type Address struct {
	network string // tcp or unix
	text    string // host:port, or an absolute path
}

// socketScheme begins an address of a Unix socket. gRPC uses the same form.
const socketScheme = "unix://"

// longestPath is the longest path of a Unix socket in bytes: sun_path of unix(7), without the zero
// byte at its end.
const longestPath = 107

// Parse reads host:port, or unix:// and an absolute path. The host must not be empty, because an
// empty host would mean every network. The errors are complete sentences' ends, for example "it is
// no host:port".
func Parse(text string) (Address, error) {
	if path, ok := strings.CutPrefix(text, socketScheme); ok {
		return parsePath(path)
	}
	if strings.HasPrefix(text, "unix:") {
		return Address{}, errors.New("a socket is unix:// and an absolute path, for example unix:///run/wasm-xds/xds.sock")
	}
	switch err := CheckTCP(text); {
	case errors.Is(err, errNoHostPort):
		return Address{}, errors.New("it is neither host:port nor unix:///path/of/a/socket")
	case err != nil:
		return Address{}, err
	}
	return Address{network: "tcp", text: text}, nil
}

var errNoHostPort = errors.New("it is no host:port")

// CheckTCP wants host:port, where [Parse] also takes a socket.
func CheckTCP(text string) error {
	host, port, err := net.SplitHostPort(text)
	switch {
	case err != nil:
		return errNoHostPort
	case host == "":
		return errors.New("the host is missing; 127.0.0.1 is this machine only, 0.0.0.0 every network")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("the port %q is no number from 0 to 65535", port)
	}
	return nil
}

func parsePath(path string) (Address, error) {
	switch {
	case !strings.HasPrefix(path, "/"):
		return Address{}, errors.New("the path is not absolute; three slashes begin one: unix:///run/wasm-xds/xds.sock")
	case len(path) > longestPath:
		return Address{}, fmt.Errorf("the path has %d bytes; the path of a socket has at most %d", len(path), longestPath)
	case strings.ContainsRune(path, 0) || strings.HasSuffix(path, "/") || filepath.Clean(path) != path:
		return Address{}, fmt.Errorf("the path is not plain: %s is", strconv.Quote(filepath.Clean(path)))
	}
	return Address{network: "unix", text: path}, nil
}

// IsSocket reports whether the address is a Unix socket.
func (a Address) IsSocket() bool { return a.network == "unix" }

// IsLocal reports whether only this machine reaches the address: a Unix socket, or a loopback
// address. A host name other than localhost may be any machine's.
func (a Address) IsLocal() bool {
	if a.IsSocket() {
		return true
	}
	host, _, err := net.SplitHostPort(a.text)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// Path returns the path of the Unix socket, or "" for a TCP address.
func (a Address) Path() string {
	if a.IsSocket() {
		return a.text
	}
	return ""
}

// String returns the text that [Parse] reads.
func (a Address) String() string {
	if a.IsSocket() {
		return socketScheme + a.text
	}
	return a.text
}

// Of returns the address of an open listener.
func Of(l net.Listener) Address {
	a := l.Addr()
	if a.Network() == "unix" {
		return Address{network: "unix", text: a.String()}
	}
	return Address{network: "tcp", text: a.String()}
}

// Client names the other end of a connection. The client of a socket has no address, so its name is
// "unix".
func Client(a net.Addr) string {
	switch {
	case a == nil:
		return ""
	case a.Network() == "unix":
		return "unix"
	default:
		return a.String()
	}
}

// Host returns the host of a client that [Client] named. All clients of Unix sockets are one host,
// and a name without a port is its own host.
func Host(client string) string {
	if host, _, err := net.SplitHostPort(client); err == nil {
		return host
	}
	return client
}

// URL returns the http URL of the address, without a slash at the end. A server on a socket ignores
// the host of a URL, so the host is localhost.
func (a Address) URL() string {
	if a.IsSocket() {
		return "http://localhost"
	}
	return "http://" + a.text
}

// Dial connects to the address.
func (a Address) Dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, a.network, a.text)
}
