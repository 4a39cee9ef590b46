package doctor

import (
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
)

// wantedType is the type of a Wasm filter in a chain.
func wantedType(c *envoyconfig.Chain) string {
	switch c.Kind {
	case envoyconfig.NetworkChain, envoyconfig.UpstreamNetwork, envoyconfig.ListenerChain:
		return envoyconfig.TypeNetworkWasm
	default:
		return envoyconfig.TypeHTTPWasm
	}
}

// checkTypes looks at the type_urls of a filter.
func (e *exam) checkTypes(f *envoyconfig.Filter) {
	want := wantedType(f.Chain)
	d := f.Discovery
	if f.Chain.Kind == envoyconfig.ListenerChain {
		e.failed(f.Node, "wrong_place", fmt.Sprintf("the filter %q stands in listener_filters, where Envoy takes no Wasm filters", f.Name),
			"move it into http_filters, or into the filters of a filter chain")
		return
	}
	url := envoyconfig.TypeURLPrefix + want
	if len(d.TypeURLs) == 0 {
		at, list := d.Node.Field("type_urls")
		edits := insertField(d.Node, "type_urls", "- "+url+"\n")
		if list != nil {
			edits = replaceScalar(list, "["+url+"]")
		}
		if at == nil {
			at = fieldKey(f.Node, "config_discovery")
		}
		e.failed(at, "no_type_url", fmt.Sprintf("the filter %q has no type_urls: Envoy does not start", f.Name), "name the type "+url, edits...)
		return
	}
	for _, one := range d.TypeURLs {
		if envoyconfig.TypeName(one.Text) == want {
			return
		}
	}
	wrong := d.TypeURLs[0]
	e.failed(wrong, "wrong_type_url", fmt.Sprintf("the filter %q takes %s here, and wasm-xds serves %s: Envoy refuses every answer",
		f.Name, envoyconfig.TypeName(wrong.Text), want), "set it to "+url, replaceScalar(wrong, url)...)
}

// checkOrder looks at the place of a filter beside the last filter of the chain.
func (e *exam) checkOrder(f *envoyconfig.Filter) {
	c := f.Chain
	if c.Kind == envoyconfig.Composite || c.Kind == envoyconfig.ListenerChain {
		return
	}
	for _, before := range c.Filters[:f.Index] {
		if endsChain(before) {
			e.failed(fieldNode(f.Node, "name"), "after_router", fmt.Sprintf("the filter %q stands after %q, which ends the chain: no request reaches it, and Envoy does not start",
				f.Name, before.Name), fmt.Sprintf("move it before %q", before.Name), moveItem(c.Node, f.Index, before.Index)...)
			return
		}
	}
	if f.Index == len(c.Filters)-1 {
		end := "envoy.filters.http.router"
		switch c.Kind {
		case envoyconfig.NetworkChain, envoyconfig.UpstreamNetwork:
			end = "a filter such as envoy.filters.network.tcp_proxy"
		case envoyconfig.UpstreamHTTP:
			end = "envoy.filters.http.upstream_codec"
		default:
		}
		e.failed(fieldNode(f.Node, "name"), "no_router", fmt.Sprintf("the filter %q is the last of its chain, which has to end with %s: Envoy refuses every answer for it", f.Name, end),
			"add "+end+" after it")
	}
}

// endsChain says whether a filter ends the chain.
func endsChain(f *envoyconfig.Filter) bool {
	switch f.Type {
	case envoyconfig.TypeRouter, envoyconfig.TypeUpstreamCodec,
		"envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
		"envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
		"envoy.extensions.filters.network.redis_proxy.v3.RedisProxy",
		"envoy.extensions.filters.network.thrift_proxy.v3.ThriftProxy",
		"envoy.extensions.filters.network.dubbo_proxy.v3.DubboProxy",
		"envoy.extensions.filters.network.direct_response.v3.Config",
		"envoy.extensions.filters.network.echo.v3.Echo":
		return true
	default:
		return false
	}
}

// checkDefault looks at the substitute for a filter still to come.
func (e *exam) checkDefault(f *envoyconfig.Filter) {
	d := f.Discovery
	if s := e.options.specOf(f.Name); s != nil && e.options.SpecsKnown && s.Policy == "open" {
		return // requests may pass without this filter
	}
	key, _ := d.Node.Field("default_config")
	when := "after initial_fetch_timeout, or when the filter is removed"
	if d.WithoutWarming {
		when = "from the first request on, before the control plane was asked"
		if early, _ := d.Node.Field("apply_default_config_without_warming"); early != nil {
			key = early
		}
	}
	if key == nil {
		return
	}
	var edits []envoyconfig.Edit
	for _, name := range []string{"default_config", "apply_default_config_without_warming"} {
		edits = append(edits, removeField(d.Node, name)...)
	}
	e.failed(key, "default_lets_pass", fmt.Sprintf("requests pass with the default_config instead of the filter %q, %s", f.Name, when),
		"remove it: without a default, the listener waits for the filter, and wasm-xds has a stand-in that denies", edits...)
}

func fieldKey(n *envoyconfig.Node, name string) *envoyconfig.Node {
	key, _ := n.Field(name)
	return orNode(key, n)
}

func fieldNode(n *envoyconfig.Node, name string) *envoyconfig.Node { return orNode(n.Get(name), n) }
