package netguard_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/netguard"
)

func TestCheck(t *testing.T) {
	const (
		public  = iota // always allowed
		private        // refused when private networks are denied
		never          // always refused
	)
	for address, want := range map[string]int{
		"93.184.216.34": public, "2606:2800:220:1:248:1893:25c8:1946": public, "1.1.1.1": public,
		"172.32.0.1": public, "100.128.0.1": public, "192.0.1.1": public, "169.253.255.255": public,
		"64:ff9b::5db8:d822": public, "2002:5db8:d822::1": public, "::ffff:1.1.1.1": public,

		"127.0.0.1": private, "127.255.0.9": private, "::1": private, "0.0.0.0": private, "::": private, "0.1.2.3": private,
		"10.1.2.3": private, "172.16.0.1": private, "172.31.255.255": private, "192.168.1.1": private,
		"100.64.0.1": private, "100.127.255.255": private, "198.18.0.1": private, "224.0.0.1": private, "255.255.255.255": private,
		"fc00::1": private, "fd12:3456::1": private, "fec0::1": private, "ff02::1": private, "2001:db8::1": private,
		"::ffff:127.0.0.1": private, "::ffff:10.0.0.1": private, "::127.0.0.1": private, "::ffff:0:127.0.0.1": private,
		"64:ff9b::7f00:1": private, "64:ff9b::a00:1": private, "64:ff9b:1::1": private,
		"2002:a00:1::": private, "2001:0:0a00:1::": private, "2001::f5ff:fffe": private, // 10.0.0.1, in Teredo's inverted form
		"fd00::5efe:a00:1": private, "2606::200:5efe:a00:1": private,

		"169.254.169.254": never, "169.254.0.1": never, "fe80::1": never, "fe80::1%eth0": never, "febf::1": never,
		"fd00:ec2::254": never, "fd00:ec2::253": never, "fd20:ce::254": never, "100.100.100.200": never, "168.63.129.16": never,
		"192.0.0.192": never, "::ffff:169.254.169.254": never, "::ffff:100.100.100.200": never, "::169.254.169.254": never,
		"64:ff9b::a9fe:a9fe": never, "64:ff9b:1::a9fe:a9fe": never, "64:ff9b:1:a9fe:a9:fe00::": never,
		"2002:a9fe:a9fe::1": never, "2001:0:a9fe:a9fe::": never, "2001::5601:5601": never,
		"2001:4860::5efe:a9fe:a9fe": never, "::ffff:0:169.254.169.254": never,
	} {
		a := netip.MustParseAddr(address)
		open, strict := netguard.Guard{}.Check(a), netguard.Guard{DenyPrivate: true}.Check(a)
		if refused := errors.Is(open, netguard.ErrRefused); refused != (want == never) {
			t.Errorf("%s: %v", address, open)
		}
		if refused := errors.Is(strict, netguard.ErrRefused); refused != (want != public) {
			t.Errorf("%s with private networks denied: %v", address, strict)
		}
	}
	if err := (netguard.Guard{}).Check(netip.Addr{}); !errors.Is(err, netguard.ErrRefused) {
		t.Errorf("no address at all: %v", err)
	}
}

// The dialer checks the resolved address, not the name.
func TestDialer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort("localhost", port)
	connection, err := netguard.Guard{}.Dialer().DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	connection.Close()
	if _, err := (netguard.Guard{DenyPrivate: true}).Dialer().DialContext(t.Context(), "tcp", address); !errors.Is(err, netguard.ErrRefused) {
		t.Errorf("localhost: %v", err)
	}
	if _, err := (netguard.Guard{}).Dialer().DialContext(t.Context(), "tcp", "169.254.169.254:80"); !errors.Is(err, netguard.ErrRefused) {
		t.Errorf("metadata: %v", err)
	}
}

func TestProxy(t *testing.T) {
	request := func(text string) *http.Request {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return &http.Request{URL: u}
	}
	if _, err := (netguard.Guard{}).Proxy(request("http://169.254.169.254/latest")); !errors.Is(err, netguard.ErrRefused) {
		t.Errorf("metadata by way of a proxy: %v", err)
	}
	if _, err := (netguard.Guard{}).Proxy(request("http://[::ffff:a9fe:a9fe]/latest")); !errors.Is(err, netguard.ErrRefused) {
		t.Errorf("metadata by way of a proxy, written in IPv6: %v", err)
	}
	if proxy, err := (netguard.Guard{DenyPrivate: true}).Proxy(request("http://example.com/")); proxy != nil || err != nil {
		t.Errorf("%v, %v", proxy, err)
	}
}

// An embedded IPv4 address gets the same decision as the plain address.
func FuzzCheck(f *testing.F) {
	f.Add([]byte{169, 254, 169, 254})
	f.Add(netip.MustParseAddr("64:ff9b::a9fe:a9fe").AsSlice())
	f.Fuzz(func(t *testing.T, raw []byte) {
		address, ok := netip.AddrFromSlice(raw)
		if !ok {
			return
		}
		open, strict := netguard.Guard{}.Check(address), netguard.Guard{DenyPrivate: true}.Check(address)
		if open != nil && strict == nil {
			t.Errorf("%s: the stricter guard allows more", address)
		}
		if strict == nil && (address.IsPrivate() || address.IsLoopback() || address.IsLinkLocalUnicast() || !address.IsGlobalUnicast()) {
			t.Errorf("%s is no public address", address)
		}
		if !address.Is4() {
			return
		}
		b := address.As4()
		mapped := netip.AddrFrom16([16]byte{10: 0xff, 11: 0xff, 12: b[0], 13: b[1], 14: b[2], 15: b[3]})
		nat64 := netip.AddrFrom16([16]byte{0, 0x64, 0xff, 0x9b, 12: b[0], 13: b[1], 14: b[2], 15: b[3]})
		sixToFour := netip.AddrFrom16([16]byte{0x20, 2, b[0], b[1], b[2], b[3], 15: 1})
		for _, wrapped := range []netip.Addr{mapped, nat64, sixToFour} {
			if (netguard.Guard{}.Check(wrapped) == nil) != (open == nil) || (netguard.Guard{DenyPrivate: true}.Check(wrapped) == nil) != (strict == nil) {
				t.Errorf("%s is not judged as %s", wrapped, address)
			}
		}
	})
}
