package doctor

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// http2Options is the value of typed_extension_protocol_options for the control plane.
const http2Options = `envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
  "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
  explicit_http_config:
    http2_protocol_options:
      connection_keepalive: { interval: 30s, timeout: 10s }
`

// checkClusters looks at the clusters of the control plane and of the module server.
func (e *exam) checkClusters() {
	var xds []*envoyconfig.Cluster
	for _, c := range e.config.Clusters {
		if e.clusters[c.Name] && e.isAsked(c.Name) {
			xds = append(xds, c)
			e.checkXDS(c)
		}
	}
	if len(e.ours) == 0 || !e.needsModules() {
		return
	}
	modules := e.config.Cluster(e.options.ModulesCluster)
	if modules == nil {
		e.noModules(xds)
		return
	}
	e.checkModules(modules, xds)
}

func (e *exam) checkXDS(c *envoyconfig.Cluster) {
	e.checkAddress(c)
	if c.HTTP2() {
		return
	}
	const hint = "set http2_protocol_options; until then, Envoy connects again and again, and its log has \"protocol error\" or nothing"
	message := fmt.Sprintf("Envoy speaks HTTP/1 to the cluster %q, and xDS is gRPC, which needs HTTP/2: no filter ever arrives", c.Name)
	options := c.Options()
	if options == nil {
		at, _ := c.Node.Field("name")
		e.failed(orNode(at, c.Node), "no_http2", message, hint,
			insertField(c.Node, "typed_extension_protocol_options", http2Options)...)
		return
	}
	for _, mode := range []string{"explicit_http_config", "auto_config", "use_downstream_protocol_config"} {
		if key, value := options.Field(mode); key != nil {
			if inner, _ := value.Field("http_protocol_options"); inner != nil {
				key = inner
			}
			e.failed(key, "no_http2", message, hint, replaceField(options, mode, "explicit_http_config:\n  http2_protocol_options: {}\n")...)
			return
		}
	}
	e.failed(options, "no_http2", message, hint, insertField(options, "explicit_http_config", "http2_protocol_options: {}\n")...)
}

// checkAddress looks at the addresses of a cluster.
func (e *exam) checkAddress(c *envoyconfig.Cluster) {
	kind := c.Node.Scalar("type")
	for _, at := range c.Endpoints() {
		host, _, err := net.SplitHostPort(at.Address)
		isPath := strings.HasPrefix(at.Address, "unix://")
		if err != nil || isPath || kind != "" && kind != "STATIC" || c.Node.Has("cluster_type") {
			continue
		}
		if _, err := netip.ParseAddr(host); err == nil {
			continue
		}
		key := orNode(at.Node.Get("address"), at.Node)
		edits := replaceScalar(c.Node.Get("type"), "STRICT_DNS")
		if edits == nil {
			edits = insertField(c.Node, "type", "STRICT_DNS")
		}
		e.failed(key, "not_an_address", fmt.Sprintf("%q is a name, and the cluster %q is STATIC, which takes IP addresses: Envoy does not start", host, c.Name),
			"set the cluster's type to STRICT_DNS", edits...)
	}
}

// noModules reports that the cluster of the module server is missing. The place is the probable
// cluster, or else the list of clusters.
func (e *exam) noModules(xds []*envoyconfig.Cluster) {
	name := e.options.ModulesCluster
	message := fmt.Sprintf("there is no cluster %q, which should lead to the module server: Envoy cannot fetch modules, and each edit waits before its module comes inline", name)
	var names []string
	for _, c := range e.config.Clusters {
		if !e.clusters[c.Name] {
			names = append(names, c.Name)
		}
	}
	if near := spec.Nearest(name, names); near != "" {
		at := e.config.Cluster(near).Node.Get("name")
		e.failed(at, "no_modules_cluster", message, fmt.Sprintf("call this cluster %q, or start wasm-xds with --modules-cluster %s", name, near),
			replaceScalar(at, name)...)
		return
	}
	at, clusters := e.config.Bootstrap.Get("static_resources").Field("clusters")
	if at == nil {
		at = e.config.Bootstrap
	}
	e.failed(at, "no_modules_cluster", message, "add the cluster, with the address of wasm-xds serve --modules-address",
		insertItem(clusters, modulesCluster(name, xds))...)
}

// modulesCluster is the cluster of the module servers beside the control planes.
func modulesCluster(name string, xds []*envoyconfig.Cluster) string {
	kind, addresses := "STATIC", []string{"socket_address: { address: 127.0.0.1, port_value: 18001 }"}
	if len(xds) > 0 {
		if beside := modulesBeside(xds[0]); len(beside) > 0 {
			addresses = beside
		}
		if k := xds[0].Node.Scalar("type"); k != "" {
			kind = k
		}
	}
	text := fmt.Sprintf(`name: %s
type: %s
connect_timeout: 1s
load_assignment:
  cluster_name: %s
  endpoints:
  - lb_endpoints:
`, name, kind, name)
	for _, address := range addresses {
		text += "    - endpoint:\n        address:\n          " + address + "\n"
	}
	return text
}

// modulesBeside are the addresses of the module servers beside the servers of a cluster.
func modulesBeside(xds *envoyconfig.Cluster) []string {
	var all []string
	for _, at := range xds.Endpoints() {
		address := ""
		if path, ok := strings.CutPrefix(at.Address, "unix://"); ok {
			address = fmt.Sprintf("pipe: { path: %q }", strings.TrimSuffix(path, "xds.sock")+"modules.sock")
		} else if host, _, err := net.SplitHostPort(at.Address); err == nil {
			address = fmt.Sprintf("socket_address: { address: %q, port_value: 18001 }", host)
		}
		if address != "" && !slices.Contains(all, address) {
			all = append(all, address)
		}
	}
	return all
}

func (e *exam) checkModules(modules *envoyconfig.Cluster, xds []*envoyconfig.Cluster) {
	e.checkAddress(modules)
	if modules.HTTP2() && !modules.Options().Has("auto_config") {
		holder, field := modules.Options().Get("explicit_http_config"), "http2_protocol_options"
		if modules.Options() == nil {
			holder = modules.Node
		}
		at, _ := holder.Field(field)
		e.failed(orNode(at, modules.Node), "modules_http2", fmt.Sprintf("Envoy speaks HTTP/2 to the cluster %q, and the module server speaks HTTP/1: "+
			"Envoy cannot fetch modules", modules.Name), "set http_protocol_options in its place", renameField(holder, field, "http_protocol_options")...)
	}
	for _, c := range xds {
		if c.Name == modules.Name {
			continue
		}
		for _, a := range modules.Endpoints() {
			for _, b := range c.Endpoints() {
				if a.Address == b.Address {
					e.failed(orNode(a.Node.Get("port_value"), a.Node), "modules_address", fmt.Sprintf("the cluster %q leads to %s, as the cluster %q of the "+
						"control plane does: the module server has an address of its own", modules.Name, a.Address, c.Name),
						"give it the address of wasm-xds serve --modules-address")
				}
			}
		}
		e.checkTLS(modules, c)
	}
}

// checkTLS compares the two clusters: the server speaks TLS on both ports, or on neither.
func (e *exam) checkTLS(modules, xds *envoyconfig.Cluster) {
	if modules.Node.Has("transport_socket") == xds.Node.Has("transport_socket") {
		return
	}
	with, without := modules, xds
	if xds.Node.Has("transport_socket") {
		with, without = xds, modules
	}
	at, _ := without.Node.Field("name")
	e.failed(orNode(at, without.Node), "one_tls", fmt.Sprintf("Envoy speaks TLS to the cluster %q and plain text to %q: wasm-xds speaks TLS on both ports "+
		"or on neither", with.Name, without.Name), "give both clusters a transport_socket, or take it out of both")
}
