package doctor

import (
	"fmt"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// checkNames compares the names of the filters with the specs.
func (e *exam) checkNames() {
	if len(e.ours) == 0 {
		e.noFilter()
		return
	}
	if !e.options.SpecsKnown {
		return
	}
	asked := map[string]bool{}
	for _, f := range e.ours {
		asked[f.Name] = true
		if meant := e.checkName(f); meant != "" {
			asked[meant] = true
		}
	}
	if e.elsewhere() != nil {
		return // further listeners may ask for further filters
	}
	for _, s := range e.options.Specs {
		if asked[s.Name] || s.Disabled || s.Type == spec.Service || !selects(s, e.config.Node) {
			continue
		}
		e.add(envoyconfig.Finding{
			Code: "spec_not_asked", Severity: envoyconfig.SeverityWarning, File: s.File, Line: s.Line, Column: min(s.Line, 1),
			Message: fmt.Sprintf("no listener of this Envoy asks for the filter %q", s.Name),
			Hint:    "wasm-xds adopt --filter " + s.Name + " adds it; or delete the spec, or select other Envoys by `nodes`",
		}, nil, nil)
	}
}

// elsewhere is the source of listeners out of sight here; nil: all are seen.
func (e *exam) elsewhere() *envoyconfig.Node {
	lds := e.config.Bootstrap.Get("dynamic_resources", "lds_config")
	if lds == nil || e.config.Dynamic() {
		return nil
	}
	if len(e.config.Unread) == 0 && (lds.Has("path") || lds.Has("path_config_source")) {
		return nil
	}
	return lds
}

func (e *exam) noFilter() {
	if lds := e.elsewhere(); lds != nil {
		e.warn(fieldKey(e.config.Bootstrap.Get("dynamic_resources"), "lds_config"), "listeners_elsewhere",
			"the listeners of this Envoy are not in the file, so nobody can say here whether they ask for a filter",
			"ask the running Envoy: wasm-xds doctor --envoy http://ADMIN-ADDRESS")
		return
	}
	e.failed(e.config.Bootstrap, "no_filter", "no listener asks for a Wasm filter over ECDS: wasm-xds has nothing to serve to this Envoy",
		"wasm-xds adopt adds a filter to a listener")
}

// checkName compares a name with the specs. meant is the spec with the nearest name, if there is
// none with the name itself.
func (e *exam) checkName(f *envoyconfig.Filter) (meant string) {
	at := fieldNode(f.Node, "name")
	s := e.options.specOf(f.Name)
	switch {
	case s == nil:
		var names []string
		for _, one := range e.options.Specs {
			names = append(names, one.Name)
		}
		hint, edits := "write a spec with this name", []envoyconfig.Edit(nil)
		if near := spec.Nearest(f.Name, names); near != "" {
			meant, hint, edits = near, fmt.Sprintf("did you mean %q?", near), replaceScalar(at, near)
		}
		e.failed(at, "unknown_name", fmt.Sprintf("no spec has the name %q: requests get an answer that denies them", f.Name), hint, edits...)
	case s.Type == spec.Service:
		e.failed(at, "service_as_filter", fmt.Sprintf("the spec %q is a service, which is no filter: a request through this filter gets an answer that denies it", f.Name),
			"take the filter out of the listener; `wasm-xds bootstrap` prints the bootstrap_extensions for the service")
	case s.Type != "" && specType(s) != wantedType(f.Chain):
		e.failed(at, "wrong_chain", fmt.Sprintf("the spec %q has the type %s, and the filter stands in a chain of another type: Envoy refuses every answer", f.Name, s.Type),
			"move the filter, or change the type in the spec")
	case !selects(s, e.config.Node):
		e.failed(at, "not_selected", fmt.Sprintf("the spec %q selects other Envoys by `nodes`, and this is %s", f.Name, nodeText(e.config.Node)),
			"change `nodes` in the spec, or the node of this Envoy")
	}
	return meant
}

func specType(s *spec.Spec) string {
	if s.Type == spec.Network {
		return envoyconfig.TypeNetworkWasm
	}
	return envoyconfig.TypeHTTPWasm
}

// selects says whether a spec selects an Envoy. Without a node id, nobody knows.
func selects(s *spec.Spec, n *envoyconfig.Node) bool {
	if n.Scalar("id") == "" {
		return true
	}
	metadata := map[string]string{}
	if fields := n.Get("metadata"); fields != nil {
		for _, entry := range fields.Entries {
			metadata[entry.Key.Text] = entry.Value.Text
		}
	}
	return s.Nodes.Matches(n.Scalar("id"), n.Scalar("cluster"), metadata)
}

func nodeText(n *envoyconfig.Node) string {
	return fmt.Sprintf("node %q of cluster %q", n.Scalar("id"), n.Scalar("cluster"))
}

// checkNode looks at the identity of the Envoy.
func (e *exam) checkNode() {
	if len(e.ours) == 0 {
		return
	}
	var missing []string
	for _, field := range []string{"id", "cluster"} {
		if e.config.Node.Scalar(field) == "" {
			missing = append(missing, "node."+field)
		}
	}
	if len(missing) == 0 {
		return
	}
	at, value := e.config.Bootstrap.Field("node")
	edits := insertFirst(e.config.Bootstrap, "node", "id: envoy-1\ncluster: envoy\n")
	if value != nil {
		edits = nil
		for _, name := range missing {
			edits = append(edits, insertField(value, strings.TrimPrefix(name, "node."), map[string]string{"node.id": "envoy-1", "node.cluster": "envoy"}[name])...)
		}
	}
	e.failed(orNode(at, e.config.Bootstrap), "no_node_id", "the bootstrap has no "+strings.Join(missing, " and no ")+
		": Envoy does not start, unless it gets them as --service-node and --service-cluster",
		"give each Envoy an id of its own, and a cluster", edits...)
}
