// Package netguard decides which addresses this process may connect to on behalf
// of a spec, a redirect or a registry's answer. It decides when a connection is
// made, on the address that a name was resolved to: a name that is resolved to
// something else the second time gains nothing.
package netguard

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// ErrRefused is what the error of a refused connection is.
var ErrRefused = errors.New("address refused")

// dialLimit is how long a connection may take to be made.
const dialLimit = 10 * time.Second

// Guard refuses connections. The zero value refuses link-local addresses and those
// of the clouds' metadata services only. It is safe for concurrent use.
type Guard struct {
	// DenyPrivate refuses everything that is no public address, too: private
	// networks, loopback, carrier-grade NAT, unique local addresses. Proxies are
	// not used then: where they connect to cannot be seen from here.
	DenyPrivate bool
}

// never are addresses that nobody keeps modules at, and that answer whoever asks
// with credentials of the machine, in every way to write them.
var never = prefixes(
	"169.254.0.0/16", "fe80::/10", // link-local, with the metadata services of most clouds
	"fd00:ec2::/32",          // AWS
	"fd20:ce::254/128",       // Google Cloud
	"fd00:42::42/128",        // Scaleway
	"100.100.100.200/32",     // Alibaba Cloud
	"168.63.129.16/32",       // Azure
	"192.0.0.192/32",         // Oracle Cloud
	"fd00:c1::a9fe:a9fe/128", // Oracle Cloud
)

// private are the addresses that are not public, by IANA's registries of
// special-purpose addresses.
var private = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
	"::/127", "100::/64", "2001:2::/48", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7", "fec0::/10", "ff00::/8",
	"64:ff9b:1::/48", // NAT64 within one network
)

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// Check is nil or an [ErrRefused] that says why there is no connecting to an address.
func (g Guard) Check(address netip.Addr) error {
	address = address.WithZone("").Unmap()
	if !address.IsValid() {
		return fmt.Errorf("%w: it is no address", ErrRefused)
	}
	for _, one := range append(embedded(address), address) {
		switch {
		case in(never, one):
			return fmt.Errorf("%w: %s is link-local or a cloud's metadata service", ErrRefused, address)
		case g.DenyPrivate && in(private, one):
			return fmt.Errorf("%w: %s is in a private network, and --deny-private-networks is set", ErrRefused, address)
		}
	}
	return nil
}

func in(all []netip.Prefix, address netip.Addr) bool {
	for _, prefix := range all {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// embedded are the IPv4 addresses that packets to an IPv6 address may be turned
// into on their way.
func embedded(address netip.Addr) []netip.Addr {
	if !address.Is6() {
		return nil
	}
	b := address.As16()
	v4 := func(i, j, k, l int) netip.Addr { return netip.AddrFrom4([4]byte{b[i], b[j], b[k], b[l]}) }
	switch {
	case in(nat64, address):
		return []netip.Addr{v4(12, 13, 14, 15)}
	case in(nat64Local, address):
		// The operator chooses the prefix's length, and with it the place (RFC 6052).
		return []netip.Addr{v4(12, 13, 14, 15), v4(6, 7, 9, 10), v4(7, 9, 10, 11), v4(9, 10, 11, 12)}
	case in(sixToFour, address):
		return []netip.Addr{v4(2, 3, 4, 5)}
	case in(teredo, address):
		return []netip.Addr{v4(4, 5, 6, 7), netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]})}
	case in(compatible, address), b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe:
		return []netip.Addr{v4(12, 13, 14, 15)} // IPv4-compatible, translated, ISATAP
	default:
		return nil
	}
}

var (
	nat64      = prefixes("64:ff9b::/96")
	nat64Local = prefixes("64:ff9b:1::/48")
	sixToFour  = prefixes("2002::/16")
	teredo     = prefixes("2001::/32")
	compatible = prefixes("::/96", "::ffff:0:0:0/96")
)

// Dialer makes connections that the guard allows.
func (g Guard) Dialer() *net.Dialer {
	return &net.Dialer{Timeout: dialLimit, Control: g.control}
}

// control is called with what a name was resolved to, before connecting.
func (g Guard) control(_, address string, _ syscall.RawConn) error {
	resolved, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q is no address", ErrRefused, address)
	}
	return g.Check(resolved.Addr())
}

// Proxy is the environment's proxy for a request, for [http.Transport]. What the
// proxy connects to is its own matter, unless the request's URL has an address
// instead of a name.
func (g Guard) Proxy(request *http.Request) (*url.URL, error) {
	if g.DenyPrivate {
		return nil, nil
	}
	if address, err := netip.ParseAddr(request.URL.Hostname()); err == nil {
		if err := g.Check(address); err != nil {
			return nil, err
		}
	}
	return http.ProxyFromEnvironment(request)
}
