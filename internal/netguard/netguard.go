// Package netguard decides which addresses this process may connect to for a spec, a redirect or a
// registry's answer. The check happens during the connect, on the resolved address. So a DNS name
// that changes its address after a first look-up cannot bypass the check.
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

// ErrRefused marks the error of a refused connection.
var ErrRefused = errors.New("address refused")

// dialLimit is the timeout of a connect.
const dialLimit = 10 * time.Second

// Guard refuses connections. The zero value refuses only link-local addresses and the metadata
// services of clouds. A Guard is safe for concurrent use.
// See docs/RATIONALE.md#why-are-addresses-judged-when-a-connection-is-made.
type Guard struct {
	// DenyPrivate also refuses all addresses that are not public: private networks, loopback,
	// carrier-grade NAT and unique local addresses. Proxies are not used with DenyPrivate, because
	// the guard cannot see a proxy's connections.
	DenyPrivate bool
}

// never are addresses where nobody keeps modules. Metadata services at these addresses give the
// machine's credentials to any client. Check also finds these addresses inside IPv6 addresses.
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

// private are the non-public addresses in IANA's registries of special-purpose addresses.
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

// Check returns nil, or an [ErrRefused] with the reason why an address is refused.
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

// embedded returns the IPv4 addresses to which the network may translate an IPv6 address.
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
		// The operator chooses the prefix's length, which determines the place (RFC 6052).
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

// Dialer returns a dialer that makes only connections that the guard allows.
func (g Guard) Dialer() *net.Dialer {
	return &net.Dialer{Timeout: dialLimit, Control: g.control}
}

// control checks the resolved address before the connect.
func (g Guard) control(_, address string, _ syscall.RawConn) error {
	resolved, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q is no address", ErrRefused, address)
	}
	return g.Check(resolved.Addr())
}

// Proxy returns the environment's proxy for a request, for [http.Transport]. The guard does not
// check the proxy's own connections, except that an IP address in the request's URL is checked
// here.
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
