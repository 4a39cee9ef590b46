package adopt

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// chooseMode decides how Envoy asks for its filters.
func (m *maker) chooseMode() *spec.Error {
	mode := &m.o.Bootstrap.Mode
	ads := m.in.Config.ADS
	other := ads != nil && m.adsCluster() != m.xdsName
	wantsADS := *mode == bootstrap.ADSDelta || *mode == bootstrap.ADSSotW
	switch {
	case other && wantsADS:
		return problem(codeOtherADS, ads.Pos(), "another control plane has the ADS stream of this Envoy, and an Envoy has only one",
			"use --mode ecds-delta, or leave --mode out")
	case *mode != "":
	case m.in.ListenersOnly || other || ads == nil && m.listenersElsewhere():
		*mode = bootstrap.ECDSDelta
	default:
		*mode = bootstrap.ADSDelta
	}
	if other {
		m.plan.note(ads.Pos(), "another control plane has the ADS stream: each filter gets a stream of its own to wasm-xds")
	}
	return nil
}

// elsewhere names the origin of the listeners outside of the file, with the next step for them.
func (m *maker) elsewhere() *spec.Error {
	if m.in.ListenersOnly && !m.patch.Empty() {
		m.plan.note(spec.Position{File: m.in.File.Path}, "an Envoy that runs reads this file at once: until its bootstrap has the clusters "+
			"of wasm-xds, the changed listeners wait, and the former ones serve on")
	}
	if !m.listenersElsewhere() {
		return nil
	}
	lds := m.in.Config.Bootstrap.Get("dynamic_resources", "lds_config")
	path := lds.Scalar("path_config_source", "path")
	if path == "" {
		path = lds.Scalar("path")
	}
	if path != "" {
		m.plan.Elsewhere = append(m.plan.Elsewhere, path)
		m.plan.warn(lds.Pos(), "Envoy takes listeners from "+path+": adopt that file, too")
		return nil
	}
	m.plan.warn(lds.Pos(), "Envoy takes listeners from another control plane: give them the filters there, in this form")
	var snippet strings.Builder
	for _, f := range m.o.Filters {
		item, err := m.parts.Filter(f.Name, m.typeOf(f))
		if err != nil {
			return problem("bootstrap", lds.Pos(), err.Error(), "")
		}
		snippet.WriteString(item)
	}
	m.plan.Snippet = snippet.String()
	return nil
}

// connect adds the clusters, the ADS stream and the identity of the Envoy.
func (m *maker) connect() *spec.Error {
	if m.in.ListenersOnly {
		return nil
	}
	if p := m.addClusters(); p != nil {
		return p
	}
	root := m.in.File.Root
	var fields string
	if m.parts.ADS != "" && m.in.Config.ADS == nil {
		m.plan.Added = append(m.plan.Added, "dynamic_resources.ads_config: the ADS stream")
		if value := root.Get("dynamic_resources"); value == nil {
			fields += "dynamic_resources:\n" + indented(m.parts.ADS)
		} else if p := m.patch.Set(root, m.parts.ADS, "dynamic_resources"); p != nil {
			return p
		}
	}
	node, p := m.identity(root)
	if p != nil {
		return p
	}
	stats, p := reporting{m}.statsFields(root)
	if p != nil {
		return p
	}
	if fields += node + stats; fields == "" {
		return nil
	}
	index := len(root.Entries)
	if _, there := root.Field("static_resources"); there == nil {
		index-- // the clusters come at the end
	}
	for i, e := range root.Entries {
		if i > 0 && (e.Key.Text == "static_resources" || e.Key.Text == "staticResources") {
			index = i
		}
	}
	return m.patch.AddFields(root, index, fields)
}

func indented(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString("  " + line)
	}
	return out.String()
}

// identity gives an id and a cluster to an Envoy without them. If the whole field node is missing,
// identity returns the field.
func (m *maker) identity(root *envoyconfig.Node) (string, *spec.Error) {
	var missing strings.Builder
	node := m.in.Config.Node
	if node.Scalar("id") == "" {
		missing.WriteString("id: " + m.parts.NodeID + "\n")
	}
	if node.Scalar("cluster") == "" {
		missing.WriteString("cluster: " + m.parts.NodeCluster + "\n")
	}
	if missing.Len() == 0 {
		return "", nil
	}
	m.plan.Added = append(m.plan.Added, "node: "+strings.ReplaceAll(strings.TrimSpace(missing.String()), "\n", ", "))
	m.plan.warn(spec.Position{File: m.in.File.Path}, "the Envoy had no complete identity (node.id and node.cluster), which control planes need: "+
		"give each Envoy an id of its own, here or with --service-node and --service-cluster")
	if node == nil {
		return "node:\n" + indented(missing.String()), nil
	}
	return "", m.patch.Set(root, missing.String(), "node")
}

// addClusters adds the missing clusters of wasm-xds.
func (m *maker) addClusters() *spec.Error {
	var missing strings.Builder
	for _, one := range []struct{ name, text, what string }{
		{m.parts.XDSName, m.parts.XDSCluster, "the control plane"},
		{m.parts.ModulesName, m.parts.ModulesCluster, "its module server"},
		{m.parts.AgentName, m.parts.AgentCluster, "the SPIFFE agent"},
	} {
		if one.text == "" {
			continue
		}
		wanted, err := clusterOf(one.text)
		if err != nil {
			return err
		}
		there := m.in.Config.Cluster(one.name)
		if there == nil {
			missing.WriteString(one.text)
			m.plan.Added = append(m.plan.Added, fmt.Sprintf("cluster %s: %s, %s", one.name, one.what, strings.Join(addressesOf(wanted), ", ")))
			continue
		}
		if p := m.sameCluster(there, wanted); p != nil {
			return p
		}
	}
	if missing.Len() == 0 {
		return nil
	}
	return m.patch.Append(m.in.File.Root, missing.String(), "static_resources", "clusters")
}

func clusterOf(text string) (*envoyconfig.Cluster, *spec.Error) {
	f, p := envoyconfig.Parse("cluster", []byte(text))
	if p != nil {
		return nil, p
	}
	item := f.Root.Items[0]
	return &envoyconfig.Cluster{Name: item.Scalar("name"), Node: item}, nil
}

// sameCluster expects a cluster of the file to lead where the new cluster would.
func (m *maker) sameCluster(there, wanted *envoyconfig.Cluster) *spec.Error {
	at := there.Node.Pos()
	if wanted.HTTP2() && !there.HTTP2() {
		return problem(codeNameTaken, at, "a cluster "+there.Name+" is there already, and speaks no HTTP/2: Envoy reaches no control plane through it",
			"remove it, and adopt adds the right one")
	}
	have, missing := addressesOf(there), ""
	for _, address := range addressesOf(wanted) {
		if !slices.Contains(have, address) {
			missing = address
			break
		}
	}
	if missing == "" {
		return nil
	}
	leads := "elsewhere"
	if len(have) > 0 {
		leads, at = "to "+strings.Join(have, ", "), there.Endpoints()[0].Node.Pos()
	}
	return problem(codeNameTaken, at, fmt.Sprintf("a cluster %s is there already, and leads %s, not to %s", there.Name, leads, missing),
		"name its address with the flags, or remove the cluster")
}

// addressesOf are the addresses of a cluster.
func addressesOf(c *envoyconfig.Cluster) []string {
	var all []string
	for _, e := range c.Endpoints() {
		all = append(all, e.Address)
	}
	return all
}
