package bootstrap

import (
	"bytes"
	"fmt"
	"text/template"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Parts are the parts of a bootstrap that connect an Envoy with wasm-xds, for a bootstrap that
// somebody else has written. All texts are YAML in block style with comments, from column 0 on.
type Parts struct {
	// XDSName, ModulesName and AgentName are the names of the clusters.
	XDSName, ModulesName, AgentName string
	// XDSCluster and ModulesCluster are items of the list of clusters.
	XDSCluster, ModulesCluster string
	// AgentCluster is such an item for a SPIFFE agent; "": Envoy asks none.
	AgentCluster string
	// ADS is the field ads_config of dynamic_resources; "": each filter has a stream of its own.
	ADS string
	// StatsSink is an item of stats_sinks, and TrapLog an item of access_log of an HTTP connection
	// manager.
	StatsSink, TrapLog string
	// NodeID and NodeCluster are the identity of an Envoy that has none, as YAML scalars.
	NodeID, NodeCluster string

	view *view
	t    *template.Template
}

// NewParts returns the parts of the bootstrap with these options. The options need no filters.
func NewParts(o Options) (*Parts, error) {
	o.Filters, o.ListenersFile = nil, "elsewhere"
	v, err := newView(o)
	if err != nil {
		return nil, err
	}
	p := &Parts{XDSName: v.XDSCluster, ModulesName: v.ModulesCluster, view: v}
	if p.t, err = parse(); err != nil {
		return nil, err
	}
	if p.XDSCluster, err = p.render("xds-cluster", v); err != nil {
		return nil, err
	}
	if p.ModulesCluster, err = p.render("modules-cluster", v); err != nil {
		return nil, err
	}
	if p.StatsSink, err = p.render("stats-sink", v); err != nil {
		return nil, err
	}
	if p.TrapLog, err = p.render("trap-log", v); err != nil {
		return nil, err
	}
	if v.HasAgent() {
		p.AgentName = v.AgentCluster
		if p.AgentCluster, err = p.render("agent-cluster", v); err != nil {
			return nil, err
		}
	}
	if p.NodeID, err = quote(v.NodeID); err != nil {
		return nil, err
	}
	if p.NodeCluster, err = quote(v.NodeCluster); err != nil || !v.ADS {
		return p, err
	}
	p.ADS, err = p.render("ads", v)
	return p, err
}

// Filter returns a filter that Envoy takes over ECDS, as an item of a list of filters.
func (p *Parts) Filter(name string, as spec.Type) (string, error) {
	url := p.view.HTTPTypeURL
	if as == spec.Network {
		url = p.view.NetworkTypeURL
	}
	return p.render("filter", p.view.Filter(name, url))
}

// Discovery returns the field config_discovery of such a filter.
func (p *Parts) Discovery(as spec.Type) (string, error) {
	url := p.view.HTTPTypeURL
	if as == spec.Network {
		url = p.view.NetworkTypeURL
	}
	return p.render("discovery", p.view.Filter("", url))
}

func (p *Parts) render(name string, data any) (string, error) {
	var out bytes.Buffer
	if err := p.t.ExecuteTemplate(&out, name, data); err != nil {
		return "", fmt.Errorf("bootstrap: %w", err)
	}
	return string(bytes.Trim(out.Bytes(), "\n")) + "\n", nil
}
