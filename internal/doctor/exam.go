package doctor

import (
	"maps"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// exam is a check under way.
type exam struct {
	config  *envoyconfig.Config
	options Options

	ours        []*envoyconfig.Filter // the filters that wasm-xds should serve
	clusters    map[string]bool       // the clusters of their sources
	otherADS    *envoyconfig.Node     // an ads that is no filter's; nil: ADS is there for filters alone
	findings    []envoyconfig.Finding
	notes       []string
	suggestions []envoyconfig.Finding
	seen        map[string]bool
}

func newExam(c *envoyconfig.Config, o Options) *exam {
	if o.ModulesCluster == "" {
		o.ModulesCluster = DefaultModulesCluster
	}
	e := &exam{config: c, options: o, clusters: map[string]bool{}, otherADS: otherADS(c)}
	e.findOurs()
	return e
}

func (e *exam) report() Report {
	envoyconfig.SortFindings(e.findings)
	r := Report{Findings: e.findings, Notes: e.notes, Suggestions: e.suggestions}
	for _, c := range e.config.Clusters {
		if e.clusters[c.Name] && e.isAsked(c.Name) {
			r.XDS = append(r.XDS, c.Name)
		}
	}
	if len(e.ours) > 0 && e.needsModules() {
		r.Modules = e.options.ModulesCluster
	}
	return r
}

// isAsked says whether a filter's source leads to a cluster.
func (e *exam) isAsked(cluster string) bool {
	for _, f := range e.ours {
		if name, _ := f.Discovery.Source.ClusterName(); name == cluster && !e.isOthers(f) {
			return true
		}
	}
	return false
}

// needsModules says whether an Envoy may have to fetch a module. An unknown spec may need a module.
func (e *exam) needsModules() bool {
	if !e.options.SpecsKnown {
		return true
	}
	for _, f := range e.ours {
		if s := e.options.specOf(f.Name); s == nil || s.Delivery == "" || s.Delivery == spec.Remote {
			return true
		}
	}
	return false
}

// names returns the sorted names of Envoy's filters from wasm-xds.
func (e *exam) names() []string {
	all := map[string]bool{}
	for _, f := range e.ours {
		all[f.Name] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// add adds a finding, once for each code and place. edits are the proposed change of the node's
// file.
func (e *exam) add(f envoyconfig.Finding, of *envoyconfig.File, edits []envoyconfig.Edit) {
	key := f.Code + " " + f.Pos().String()
	if f.Line == 0 {
		key += f.Message // without places, the message tells findings apart
	}
	if e.seen[key] {
		return
	}
	if e.seen == nil {
		e.seen = map[string]bool{}
	}
	e.seen[key] = true
	if of != nil && len(edits) > 0 && f.Line > 0 {
		if diff, err := of.Diff(edits...); err == nil { // edits that do not fit are no patch
			f.Patch = diff
		}
	}
	e.findings = append(e.findings, f)
}

func (e *exam) failed(n *envoyconfig.Node, code, message, hint string, edits ...envoyconfig.Edit) {
	e.add(envoyconfig.At(n, envoyconfig.SeverityError, code, message, hint), n.File, edits)
}

func (e *exam) warn(n *envoyconfig.Node, code, message, hint string, edits ...envoyconfig.Edit) {
	e.add(envoyconfig.At(n, envoyconfig.SeverityWarning, code, message, hint), n.File, edits)
}

// findOurs finds the filters for wasm-xds to serve: a filter with Wasm, a filter with the name of a
// spec, and a filter with the same cluster as source.
func (e *exam) findOurs() {
	var rest []*envoyconfig.Filter
	for _, f := range e.config.Filters() {
		switch {
		case f.Discovery == nil:
		case mentionsWasm(f) || e.options.hasSpec(f.Name) && !e.isOthers(f):
			e.take(f)
		default:
			rest = append(rest, f)
		}
	}
	if len(e.clusters) == 0 {
		e.clusters[DefaultXDSCluster] = true
	}
	for _, f := range rest {
		if name, _ := f.Discovery.Source.ClusterName(); e.clusters[name] && !e.isOthers(f) {
			e.take(f)
		}
	}
}

func (e *exam) take(f *envoyconfig.Filter) {
	e.ours = append(e.ours, f)
	if name, _ := f.Discovery.Source.ClusterName(); name != "" && !e.isOthers(f) {
		e.clusters[name] = true
	}
}

// isOthers says whether a filter comes over an ADS stream with more than filters.
func (e *exam) isOthers(f *envoyconfig.Filter) bool {
	return f.Discovery.Source.Kind == envoyconfig.ADS && e.otherADS != nil
}

func mentionsWasm(f *envoyconfig.Filter) bool {
	for _, url := range f.Discovery.TypeURLs {
		if strings.Contains(strings.ToLower(url.Text), "wasm") {
			return true
		}
	}
	return false
}

// otherADS returns a config_source with ads for other things than filters: an aggregated stream
// with listeners, clusters, routes, endpoints or secrets belongs to another control plane.
func otherADS(c *envoyconfig.Config) *envoyconfig.Node {
	var found *envoyconfig.Node
	var walk func(n *envoyconfig.Node, depth int)
	walk = func(n *envoyconfig.Node, depth int) {
		if found != nil || n == nil || depth > mostDepth {
			return
		}
		for _, e := range n.Entries {
			switch e.Key.Text {
			case "config_discovery", "configDiscovery":
				continue
			case "ads":
				found = e.Key
				return
			}
			walk(e.Value, depth+1)
		}
		for _, item := range n.Items {
			walk(item, depth+1)
		}
	}
	walk(c.Bootstrap.Get("static_resources"), 0)
	walk(c.Bootstrap.Get("dynamic_resources", "lds_config"), 0)
	walk(c.Bootstrap.Get("dynamic_resources", "cds_config"), 0)
	for _, l := range c.Listeners {
		walk(l.Node, 0)
	}
	for _, one := range c.Clusters {
		walk(one.Node, 0)
	}
	return found
}

// mostDepth bounds walks. The reader of configurations has a lower limit.
const mostDepth = 1000
