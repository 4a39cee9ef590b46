package envoyconfig

import "strconv"

// ChainKind says which filters a chain has.
type ChainKind string

// The kinds of chains.
const (
	HTTPChain       ChainKind = "http"     // http_filters of an HTTP connection manager
	NetworkChain    ChainKind = "network"  // filters of a listener's filter chain
	ListenerChain   ChainKind = "listener" // listener_filters of a listener
	UpstreamHTTP    ChainKind = "upstream" // http_filters of a cluster, upstream_http_filters of a router
	UpstreamNetwork ChainKind = "upstream_network"
	Composite       ChainKind = "composite" // a filter that the composite filter runs on a match
)

// Chain is a list of filters in the order in which traffic passes them.
type Chain struct {
	Kind    ChainKind
	Node    *Node // the list; of Composite, the action
	Filters []*Filter
	// Listener or Cluster has the chain; the other is nil.
	Listener *Listener
	Cluster  *Cluster
	// Manager is the filter with the HTTP connection manager of an HTTP chain.
	Manager *Filter
}

// Listener is a listener.
type Listener struct {
	Name   string // the address if it has no name
	Node   *Node
	Origin Origin
	// Address is where Envoy listens; "": the listener has no address, as an api_listener.
	Address string
}

// Filter is an entry of a chain.
type Filter struct {
	Name  string
	Node  *Node
	Chain *Chain
	Index int // in the chain

	Discovery *Discovery // nil: the filter is not taken over ECDS
	Type      string     // the message of the typed_config; "" with a Discovery
	Config    *Node      // the fields of the typed_config; nil with a Discovery
}

// Discovery is a config_discovery: Envoy takes the filter over ECDS.
type Discovery struct {
	Node     *Node
	Source   Source
	TypeURLs []*Node
	Default  *Node // the default_config; nil: there is none
	// DefaultType is the type of the default_config.
	DefaultType string
	// WithoutWarming is apply_default_config_without_warming.
	WithoutWarming bool
}

// IsWasm says whether the filter stands in the file with a typed_config for Wasm.
func (f *Filter) IsWasm() bool { return f.Type == TypeHTTPWasm || f.Type == TypeNetworkWasm }

// TakesWasm says whether the filter comes over ECDS and may be a Wasm filter, by the type_urls.
func (f *Filter) TakesWasm() bool {
	if f.Discovery == nil {
		return false
	}
	for _, url := range f.Discovery.TypeURLs {
		if name := TypeName(url.Text); name == TypeHTTPWasm || name == TypeNetworkWasm {
			return true
		}
	}
	return false
}

// finder collects the chains of a configuration.
type finder struct {
	ads    *Node
	chains []*Chain
}

func (f *finder) listener(l *Listener) {
	f.chain(&Chain{Kind: ListenerChain, Node: l.Node.Get("listener_filters"), Listener: l})
	chains := l.Node.All("filter_chains")
	if one := l.Node.Get("default_filter_chain"); one != nil {
		chains = append(chains[:len(chains):len(chains)], one)
	}
	for _, one := range chains {
		f.chain(&Chain{Kind: NetworkChain, Node: one.Get("filters"), Listener: l})
	}
	if name, body := l.Node.Any("api_listener", "api_listener"); name == typeHCM {
		f.chain(&Chain{Kind: HTTPChain, Node: body.Get("http_filters"), Listener: l})
	}
}

func (f *finder) cluster(c *Cluster) {
	f.chain(&Chain{Kind: UpstreamHTTP, Node: c.httpOptions().Get("http_filters"), Cluster: c})
	f.chain(&Chain{Kind: UpstreamNetwork, Node: c.Node.Get("filters"), Cluster: c})
}

// chain adds a chain, and the chains inside the filters.
func (f *finder) chain(c *Chain) {
	if c.Node == nil || c.Node.Kind != List || len(c.Node.Items) == 0 {
		return
	}
	f.chains = append(f.chains, c)
	for i, item := range c.Node.Items {
		c.Filters = append(c.Filters, f.filter(item, c, i))
	}
	for _, one := range c.Filters {
		f.inside(one)
	}
}

func (f *finder) filter(n *Node, c *Chain, i int) *Filter {
	out := &Filter{Name: n.Scalar("name"), Node: n, Chain: c, Index: i}
	if d := n.Get("config_discovery"); d != nil {
		out.Discovery = f.discovery(d)
		return out
	}
	out.Type, out.Config = n.Any("typed_config")
	return out
}

func (f *finder) discovery(n *Node) *Discovery {
	d := &Discovery{
		Node: n, Source: source(n.Get("config_source"), f.ads), TypeURLs: n.All("type_urls"),
		WithoutWarming: n.True("apply_default_config_without_warming"),
	}
	if n.Has("default_config") {
		d.DefaultType, d.Default = n.Any("default_config")
	}
	return d
}

// inside adds the chains in the configuration of a filter.
func (f *finder) inside(one *Filter) {
	switch one.Type {
	case typeHCM:
		f.chain(&Chain{
			Kind: HTTPChain, Node: one.Config.Get("http_filters"), Listener: one.Chain.Listener, Manager: one,
		})
	case TypeRouter:
		f.chain(&Chain{
			Kind: UpstreamHTTP, Node: one.Config.Get("upstream_http_filters"), Listener: one.Chain.Listener,
			Cluster: one.Chain.Cluster, Manager: one.Chain.Manager,
		})
	default:
		f.actions(one, one.Config, 0)
	}
}

// actions adds the filters for a composite filter to run on a match, wherever the match stands.
func (f *finder) actions(of *Filter, n *Node, depth int) {
	if n == nil || depth > maxDepth {
		return
	}
	if name, body := n.Any(); name == typeExecuteFilter {
		c := &Chain{Kind: Composite, Node: n, Listener: of.Chain.Listener, Cluster: of.Chain.Cluster, Manager: of.Chain.Manager}
		if d := body.Get("dynamic_config"); d.Has("config_discovery") {
			c.Filters = []*Filter{f.filter(d, c, 0)}
		} else if static := body.Get("typed_config"); static != nil {
			c.Filters = []*Filter{f.filter(static, c, 0)}
		}
		if len(c.Filters) > 0 {
			f.chains = append(f.chains, c)
		}
		return
	}
	for _, e := range n.Entries {
		f.actions(of, e.Value, depth+1)
	}
	for _, item := range n.Items {
		f.actions(of, item, depth+1)
	}
}

// newListener reads a listener. index is the listener's place in the list.
func newListener(n *Node, from Origin, index int) *Listener {
	l := &Listener{Name: n.Scalar("name"), Node: n, Origin: from}
	if e, ok := endpoint(n.Get("address")); ok {
		l.Address = e.Address
	}
	switch {
	case l.Name != "":
	case l.Address != "":
		l.Name = l.Address
	default:
		l.Name = "listener " + strconv.Itoa(index+1)
	}
	return l
}
