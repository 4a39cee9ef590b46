package bootstrap

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/address"
)

// endpoint is an address on which Envoy listens, or an address of a cluster.
type endpoint struct {
	Host   string
	Port   uint16
	Name   bool   // Host is a DNS name, not an IP address
	Socket string // path of a Unix socket; "": Host and Port
}

// servers are the endpoints of a cluster, at least one.
type servers []endpoint

// DNS returns the discovery type of a cluster with these endpoints.
func (s servers) DNS() string {
	if slices.ContainsFunc(s, func(e endpoint) bool { return e.Name }) {
		return "STRICT_DNS"
	}
	return "STATIC"
}

// Several says whether Envoy chooses among endpoints. A DNS name may have several addresses, and
// counts as one.
func (s servers) Several() bool { return len(s) > 1 }

// serverName is a name that the certificate of a server may have.
type serverName struct {
	Text string
	IsIP bool
}

// Kind is the kind of the name in a certificate.
func (n serverName) Kind() string {
	if n.IsIP {
		return "IP_ADDRESS"
	}
	return "DNS"
}

// names are the names that the certificates of the servers may have. given is the name for all; "":
// each server has the name of its host.
func (s servers) names(given string) []serverName {
	var all []serverName
	for _, e := range s {
		text := e.Host
		switch {
		case given != "":
			text = given
		case e.Socket != "":
			text = "localhost"
		}
		_, err := netip.ParseAddr(text)
		if name := (serverName{text, err == nil}); !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// modulesPort is the port of a module server without an address of its own.
const modulesPort = "18001"

// addressesOf returns the addresses of the control planes and of their module servers.
func addressesOf(o Options) (xds, modules []string, err error) {
	switch {
	case len(o.XDSServers) > 0 && o.XDSAddress != "":
		return nil, nil, errors.New("the control plane has either an address or servers, not both")
	case len(o.ModulesServers) > 0 && o.ModulesAddress != "":
		return nil, nil, errors.New("the module server has either an address or servers, not both")
	}
	xds, modules = o.XDSServers, o.ModulesServers
	if len(xds) == 0 {
		xds = []string{cmp.Or(o.XDSAddress, "127.0.0.1:18000")}
	}
	switch {
	case len(modules) > 0:
	case len(o.XDSServers) == 0 || o.ModulesAddress != "":
		modules = []string{cmp.Or(o.ModulesAddress, "127.0.0.1:"+modulesPort)}
	default:
		modules, err = besides(xds)
	}
	return xds, modules, err
}

// besides returns the module servers on the hosts of the control planes.
func besides(xds []string) ([]string, error) {
	var all []string
	for _, one := range xds {
		host, _, err := net.SplitHostPort(one)
		if err != nil || strings.HasPrefix(one, "unix:") {
			return nil, fmt.Errorf("%q has no host: name the module servers with --modules-server", one)
		}
		// Two servers on a host have two module servers, and only one has the usual port.
		at := net.JoinHostPort(host, modulesPort)
		if slices.Contains(all, at) {
			return nil, fmt.Errorf("two servers are on %s: name their module servers with --modules-server", host)
		}
		all = append(all, at)
	}
	return all, nil
}

// dialAddresses parses the addresses of a cluster.
func dialAddresses(texts []string) (servers, error) {
	var all servers
	for _, text := range texts {
		e, err := dialAddress(text)
		if err != nil {
			return nil, err
		}
		if slices.Contains(all, e) {
			return nil, fmt.Errorf("%q is there twice", text)
		}
		all = append(all, e)
	}
	if all.DNS() == "STRICT_DNS" && slices.ContainsFunc(all, func(e endpoint) bool { return e.Socket != "" }) {
		return nil, errors.New("a cluster of Envoy has either sockets or DNS names, not both")
	}
	return all, nil
}

// bindAddress parses an address on which Envoy listens: an IP address, never a DNS name.
func bindAddress(text string) (endpoint, error) {
	if strings.HasPrefix(text, "unix:") {
		return endpoint{}, fmt.Errorf("%q is a socket: Envoy listens on IP addresses", text)
	}
	e, err := splitAddress(text)
	if err != nil {
		return endpoint{}, err
	}
	if e.Host == "" {
		e.Host = "0.0.0.0"
	}
	if e.Host == "localhost" {
		e.Host, e.Name = "127.0.0.1", false
	}
	if e.Name {
		return endpoint{}, fmt.Errorf("%q is a name: Envoy listens on IP addresses", e.Host)
	}
	return e, nil
}

// dialAddress parses an address to which Envoy connects. "All interfaces" is no destination, so the
// host becomes this machine's loopback address.
func dialAddress(text string) (endpoint, error) {
	if a, err := address.Parse(text); a.IsSocket() || strings.HasPrefix(text, "unix:") {
		return endpoint{Socket: a.Path()}, err
	}
	e, err := splitAddress(text)
	if err != nil {
		return endpoint{}, err
	}
	if e.Port == 0 {
		return endpoint{}, fmt.Errorf("%q has no port to connect to", text)
	}
	if ip, err := netip.ParseAddr(e.Host); e.Host == "" || err == nil && ip.IsUnspecified() {
		e.Host, e.Name = "127.0.0.1", false
	}
	return e, nil
}

func splitAddress(text string) (endpoint, error) {
	host, portText, err := net.SplitHostPort(text)
	if err != nil {
		return endpoint{}, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return endpoint{}, fmt.Errorf("%q has no port between 0 and 65535", text)
	}
	_, err = netip.ParseAddr(host)
	return endpoint{Host: host, Port: uint16(port), Name: err != nil && host != ""}, nil
}
