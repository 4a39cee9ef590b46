package cli

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/address"
)

// These are serve's default addresses, and those of render, bootstrap and status.
const (
	defaultXDSAddress     = "127.0.0.1:18000"
	defaultModulesAddress = "127.0.0.1:18001"
	defaultAdminAddress   = "127.0.0.1:18002"
	defaultModulesCluster = "wasm_xds_modules"
)

// checkPort wants host:port, or a Unix socket.
func checkPort(text string) error {
	_, err := address.Parse(text)
	return err
}

// urlOf is the http URL of an address, or a socket as it is.
func urlOf(text string) string {
	if isSocket(text) {
		return text
	}
	return "http://" + text
}

func isSocket(text string) bool {
	a, err := address.Parse(text)
	return err == nil && a.IsSocket()
}

// checkAddress wants a host and a port. An empty host would listen everywhere, for which a user
// must write 0.0.0.0 or [::].
func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	switch {
	case err != nil:
		return fmt.Errorf("it is no host:port")
	case host == "":
		return fmt.Errorf("the host is missing; 127.0.0.1 is this machine only, 0.0.0.0 every network")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("the port %q is no number from 0 to 65535", port)
	}
	return nil
}

// checkModulesURL checks the URL, and removes the slash at the end.
func checkModulesURL(text *string) error {
	if *text == "" {
		return nil
	}
	u, err := url.Parse(*text)
	switch {
	case err != nil:
		return err
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("it does not begin with http:// or https://")
	case u.Host == "":
		return fmt.Errorf("the host is missing")
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return fmt.Errorf("it has more than a host and a path")
	}
	*text = strings.TrimRight(*text, "/")
	return nil
}

// isLocal reports whether an address is reached from this machine only.
func isLocal(text string) bool {
	if isSocket(text) {
		return true
	}
	host, _, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host == "localhost"
	}
	return ip.Unmap().IsLoopback()
}
