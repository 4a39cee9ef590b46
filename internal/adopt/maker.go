package adopt

import (
	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/internal/envoyedit"
)

// maker makes a plan.
type maker struct {
	in    Input
	o     Options
	plan  *Plan
	patch *envoyedit.Patch
	parts *bootstrap.Parts

	xdsName  string          // the cluster of the control plane
	perRoute map[string]bool // filters configured by name in routes
	all      []*list         // of the file
	taken    []*taken
	inserted map[*list]insertion
}

// taken is a static filter on the way to a spec.
type taken struct {
	filter *envoyconfig.Filter
	list   *list
	wasm   *wasmFilter
}

// insertion has the names to add to a list before an index.
type insertion struct {
	index int
	names []string
}

// adsCluster is the cluster of the ADS stream.
func (m *maker) adsCluster() string {
	name, _ := envoyconfig.Source{Kind: envoyconfig.ADS, API: m.in.Config.ADS}.ClusterName()
	return name
}

// ours says whether wasm-xds provides a filter.
func (m *maker) ours(f *envoyconfig.Filter) bool {
	if f.Discovery == nil || !f.TakesWasm() {
		return false
	}
	source := f.Discovery.Source
	if source.Kind == envoyconfig.ADS && m.in.ListenersOnly {
		return true // the bootstrap knows, which is another file
	}
	name, _ := source.ClusterName()
	return name == m.xdsName
}

// listenersElsewhere says whether Envoy takes listeners from outside of the bootstrap.
func (m *maker) listenersElsewhere() bool {
	return !m.in.ListenersOnly && m.in.Config.Bootstrap.Get("dynamic_resources").Has("lds_config")
}
