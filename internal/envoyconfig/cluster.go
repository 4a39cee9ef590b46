package envoyconfig

import (
	"net"
	"strconv"
)

// Origin is the origin of a listener or a cluster.
type Origin string

// The origins.
const (
	Static   Origin = "static"  // static_resources of the bootstrap
	FromFile Origin = "file"    // a file that the bootstrap names
	Dynamic  Origin = "dynamic" // a control plane; only a running Envoy has these
)

// Cluster is an upstream cluster.
type Cluster struct {
	Name   string
	Node   *Node
	Origin Origin
}

// httpOptions returns the HttpProtocolOptions; nil: there are none.
func (c *Cluster) httpOptions() *Node {
	options := c.Node.Get("typed_extension_protocol_options")
	if options == nil || options.Kind != Map {
		return nil
	}
	for _, e := range options.Entries {
		if name, body := e.Value.Any(); name == typeHTTPOptions {
			return body
		}
	}
	return nil
}

// Options returns the place of the cluster's HttpProtocolOptions; nil: there are none.
func (c *Cluster) Options() *Node { return c.httpOptions() }

// HTTP2 says whether Envoy speaks HTTP/2 to the cluster from the first byte. ALPN decides after the
// handshake, so auto_config speaks HTTP/2 only over TLS.
func (c *Cluster) HTTP2() bool {
	if options := c.httpOptions(); options != nil {
		return options.Has2("explicit_http_config", "http2_protocol_options") ||
			options.Has("auto_config") && c.TLS() != nil
	}
	return c.Node.Has("http2_protocol_options")
}

// HTTP3 says whether Envoy may speak HTTP/3 to the cluster.
func (c *Cluster) HTTP3() bool {
	return c.httpOptions().Has2("explicit_http_config", "http3_protocol_options")
}

// TLS returns the UpstreamTlsContext; nil: the cluster speaks plain text, or a transport not known
// here.
func (c *Cluster) TLS() *Node {
	if name, body := c.Node.Any("transport_socket", "typed_config"); name == TypeTLS {
		return body
	}
	return nil
}

// Endpoint is an address of a cluster or a listener.
type Endpoint struct {
	Address string // host:port, or unix:// and a path
	Node    *Node
}

// Endpoints returns the addresses in the cluster's load_assignment.
func (c *Cluster) Endpoints() []Endpoint {
	var all []Endpoint
	for _, locality := range c.Node.All("load_assignment", "endpoints") {
		for _, one := range locality.All("lb_endpoints") {
			if e, ok := endpoint(one.Get("endpoint", "address")); ok {
				all = append(all, e)
			}
		}
	}
	return all
}

// endpoint reads an Address.
func endpoint(n *Node) (Endpoint, bool) {
	if socket := n.Get("socket_address"); socket != nil {
		port := strconv.Itoa(socket.Int("port_value"))
		return Endpoint{net.JoinHostPort(socket.Scalar("address"), port), socket}, true
	}
	if pipe := n.Get("pipe"); pipe != nil {
		return Endpoint{"unix://" + pipe.Scalar("path"), pipe}, true
	}
	return Endpoint{}, false
}

// Has2 says whether a map has a field of a field, other than null.
func (n *Node) Has2(first, second string) bool { return n.Get(first).Has(second) }
