package envoyconfig

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// MaxDumpSize is the size limit of a config_dump, in bytes.
const MaxDumpSize = 64 << 20

// Loaded is a filter of a running Envoy from ECDS.
type Loaded struct {
	Name    string
	Version string
}

// FromDump reads the answer of a running Envoy to GET /config_dump. Its nodes have no lines: path
// is the name for messages. The filters come in no order, and a filter in several places may come
// several times. A filter refused by Envoy is there, too.
func FromDump(path string, dump []byte) (*Config, []Loaded, *spec.Error) {
	f := &File{Path: path}
	root, err := parseJSON(f, dump)
	if err != nil || len(root.All("configs")) == 0 {
		return nil, nil, &spec.Error{
			Code: "no_config_dump", Message: "this is no config_dump of an Envoy", Hint: "name the admin address of Envoy, as in http://127.0.0.1:9901",
			Pos: spec.Position{File: path},
		}
	}
	f.Root = root
	c := &Config{Files: []*File{f}, Bootstrap: &Node{Kind: Map, File: f, Flow: true}, running: true}
	for _, part := range root.All("configs") {
		if name, body := part.Any(); name == "envoy.admin.v3.BootstrapConfigDump" {
			if b := body.Get("bootstrap"); b != nil {
				c.Bootstrap = b
			}
			c.identity()
		}
	}
	var loaded []Loaded
	for _, part := range root.All("configs") {
		switch name, body := part.Any(); name {
		case "envoy.admin.v3.ClustersConfigDump":
			c.dumpedClusters(body)
		case "envoy.admin.v3.ListenersConfigDump":
			c.dumpedListeners(body)
		case "envoy.admin.v3.EcdsConfigDump":
			for _, one := range body.All("ecds_filters") {
				loaded = append(loaded, Loaded{Name: one.Scalar("ecds_filter", "name"), Version: one.Scalar("version_info")})
			}
		}
	}
	c.find()
	return c, loaded, nil
}

func (c *Config) dumpedClusters(n *Node) {
	for field, from := range map[string]Origin{"static_clusters": Static, "dynamic_active_clusters": Dynamic, "dynamic_warming_clusters": Dynamic} {
		for _, one := range n.All(field) {
			if _, cluster := one.Any("cluster"); cluster != nil {
				c.addCluster(cluster, from)
			}
		}
	}
}

func (c *Config) dumpedListeners(n *Node) {
	for _, one := range n.All("static_listeners") {
		if _, listener := one.Any("listener"); listener != nil {
			c.addListener(listener, Static)
		}
	}
	for _, one := range n.All("dynamic_listeners") {
		for _, state := range []string{"active_state", "warming_state"} {
			if _, listener := one.Any(state, "listener"); listener != nil {
				c.addListener(listener, Dynamic)
			}
		}
	}
}

// parseJSON builds a tree without places.
func parseJSON(f *File, text []byte) (*Node, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return jsonValue(f, d, 0)
}

func jsonValue(f *File, d *json.Decoder, depth int) (*Node, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("nested more than %d levels deep", maxDepth)
	}
	n := &Node{File: f, Flow: true}
	switch token := token.(type) {
	case json.Delim:
		n.Kind = Map
		if token == '[' {
			n.Kind = List
		}
		return n, jsonItems(n, d, depth+1)
	case string:
		n.Kind, n.Text = String, token
	case json.Number:
		n.Kind, n.Text = Number, token.String()
	case bool:
		n.Kind, n.Text = Bool, fmt.Sprint(token)
	}
	return n, nil
}

// jsonItems reads the content of a map or a list, and the end.
func jsonItems(n *Node, d *json.Decoder, depth int) error {
	for d.More() {
		var key *Node
		if n.Kind == Map {
			var err error
			if key, err = jsonValue(n.File, d, depth); err != nil {
				return err
			}
		}
		value, err := jsonValue(n.File, d, depth)
		if err != nil {
			return err
		}
		if key != nil {
			n.Entries = append(n.Entries, Entry{Key: key, Value: value})
		} else {
			n.Items = append(n.Items, value)
		}
	}
	_, err := d.Token()
	return err
}
