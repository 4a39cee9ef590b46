package envoyconfig

import (
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Config has the relevant parts of an Envoy's configuration for Wasm filters.
type Config struct {
	Files     []*File // the bootstrap first
	Bootstrap *Node
	Node      *Node // node; nil: there is none
	ADS       *Node // dynamic_resources.ads_config; nil: there is none

	Clusters  []*Cluster
	Listeners []*Listener
	Chains    []*Chain
	// Sources are the listeners and clusters from elsewhere: lds_config and cds_config.
	Sources []Source
	// Unread are the bootstrap's unreadable files.
	Unread []Unread

	running bool
}

// Unread is an unreadable file of the configuration. The path is as Envoy sees the file.
type Unread struct {
	Node   *Node // the path
	Reason *spec.Error
}

// Read reads a bootstrap, and the files with the listeners and clusters. open returns the content
// of a file, and an error for people. The error of Read is about the bootstrap itself.
func Read(path string, open func(path string) ([]byte, *spec.Error)) (*Config, *spec.Error) {
	text, problem := open(path)
	if problem != nil {
		return nil, problem
	}
	file, problem := Parse(path, text)
	if problem != nil {
		return nil, problem
	}
	if file.Root.Kind != Map {
		return nil, &spec.Error{Code: "no_bootstrap", Message: "this is no Envoy bootstrap", Hint: "name the file that Envoy gets with -c", Pos: file.Root.Pos()}
	}
	c := &Config{Files: []*File{file}, Bootstrap: file.Root}
	c.bootstrap()
	dynamic := c.Bootstrap.Get("dynamic_resources")
	for _, field := range []string{"lds_config", "cds_config"} {
		if n := dynamic.Get(field); n != nil {
			c.follow(field, source(n, c.ADS), open)
		}
	}
	c.find()
	return c, nil
}

// bootstrap takes the parts of the bootstrap.
func (c *Config) bootstrap() {
	c.identity()
	b := c.Bootstrap
	for _, n := range b.All("static_resources", "clusters") {
		c.addCluster(n, Static)
	}
	for _, n := range b.All("static_resources", "listeners") {
		c.addListener(n, Static)
	}
}

// identity takes the node and the ads_config.
func (c *Config) identity() {
	c.Node = c.Bootstrap.Get("node")
	if ads := c.Bootstrap.Get("dynamic_resources", "ads_config"); ads != nil && ads.Kind == Map {
		c.ADS = ads
	}
}

func (c *Config) addCluster(n *Node, from Origin) {
	c.Clusters = append(c.Clusters, &Cluster{Name: n.Scalar("name"), Node: n, Origin: from})
}

func (c *Config) addListener(n *Node, from Origin) {
	c.Listeners = append(c.Listeners, newListener(n, from, len(c.Listeners)))
}

// follow reads the listeners or clusters of a file.
func (c *Config) follow(field string, s Source, open func(string) ([]byte, *spec.Error)) {
	c.Sources = append(c.Sources, s)
	if s.Kind != Path {
		return
	}
	text, problem := open(s.Path)
	var file *File
	if problem == nil {
		file, problem = Parse(s.Path, text)
	}
	if problem != nil {
		c.Unread = append(c.Unread, Unread{Node: s.Node, Reason: problem})
		return
	}
	c.Files = append(c.Files, file)
	for _, n := range file.Root.All("resources") {
		name, body := n.Any()
		if name == typeDiscoveryEntry {
			_, body = n.Any("resource")
		}
		if field == "lds_config" {
			c.addListener(body, FromFile)
		} else {
			c.addCluster(body, FromFile)
		}
	}
}

// find collects the chains of all listeners and clusters.
func (c *Config) find() {
	f := finder{ads: c.ADS}
	for _, l := range c.Listeners {
		f.listener(l)
	}
	for _, one := range c.Clusters {
		f.cluster(one)
	}
	c.Chains = f.chains
}

// Cluster returns the cluster of a name; nil: there is none.
func (c *Config) Cluster(name string) *Cluster {
	for _, one := range c.Clusters {
		if one.Name == name {
			return one
		}
	}
	return nil
}

// Filters returns the filters of all chains, in the order of the files.
func (c *Config) Filters() []*Filter {
	var all []*Filter
	for _, chain := range c.Chains {
		all = append(all, chain.Filters...)
	}
	return all
}

// Admin returns the address of the admin port; "": there is none.
func (c *Config) Admin() string {
	e, _ := endpoint(c.Bootstrap.Get("admin", "address"))
	return e.Address
}

// RuntimeLayers returns the layers of the runtime, in their order.
func (c *Config) RuntimeLayers() []*Node { return c.Bootstrap.All("layered_runtime", "layers") }

// Dynamic says whether the configuration is from a running Envoy, with everything from the control
// planes.
func (c *Config) Dynamic() bool { return c.running }
