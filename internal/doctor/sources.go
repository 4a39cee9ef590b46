package doctor

import (
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// ownService is the right source for a filter beside another ADS.
func ownService(cluster string) string {
	return `api_config_source:
  api_type: DELTA_GRPC
  transport_api_version: V3
  set_node_on_first_message_only: true
  grpc_services:
  - envoy_grpc:
      cluster_name: ` + cluster + `
      retry_policy:
        retry_back_off: { base_interval: 0.5s, max_interval: 5s }
`
}

// backOff is the value of retry_policy.
const backOff = "retry_back_off: { base_interval: 0.5s, max_interval: 5s }\n"

// checkSources looks at the way in which each filter is fetched.
func (e *exam) checkSources() {
	for _, f := range e.ours {
		s := f.Discovery.Source
		switch {
		case f.Chain.Kind == envoyconfig.UpstreamHTTP && s.Kind == envoyconfig.ADS && f.Chain.Cluster != nil && f.Chain.Cluster.Origin == envoyconfig.Static:
			e.upstreamADS(f)
		case e.isOthers(f):
			e.anotherADS(f)
		case s.Kind == envoyconfig.ADS && e.config.ADS == nil:
			e.noADS(f)
		case s.Kind == envoyconfig.Path:
			e.failed(s.Node, "no_grpc", fmt.Sprintf("the filter %q comes from a file, not from wasm-xds", f.Name),
				"give the filter a gRPC source", e.replaceSource(f)...)
		case s.Kind == "":
			e.failed(orNode(s.Node, f.Discovery.Node), "no_source", fmt.Sprintf("the filter %q has no config_source that leads to wasm-xds", f.Name),
				"give the filter a config_source with an api_config_source, or with ads")
		default:
			e.checkAPI(f)
		}
	}
}

func (e *exam) upstreamADS(f *envoyconfig.Filter) {
	key, _ := f.Discovery.Source.Node.Field("ads")
	e.failed(key, "upstream_ads", fmt.Sprintf("the upstream filter %q of the static cluster %q comes over ADS: Envoy 1.36 to 1.40 ends with a "+
		"segmentation fault while it starts", f.Name, f.Chain.Cluster.Name),
		"give the filter a gRPC service of its own: an api_config_source in place of ads", e.replaceSource(f)...)
}

func (e *exam) anotherADS(f *envoyconfig.Filter) {
	key, _ := f.Discovery.Source.Node.Field("ads")
	where := ""
	if p := e.otherADS.Pos(); p.Line > 0 {
		where = fmt.Sprintf(" (%s)", p)
	}
	e.failed(key, "another_ads", fmt.Sprintf("the filter %q comes over ADS, and this Envoy's ADS stream belongs to another control plane, which has more "+
		"than filters%s: it does not know the filter", f.Name, where),
		"give the filter a gRPC service of its own: an api_config_source in place of ads", e.replaceSource(f)...)
}

func (e *exam) noADS(f *envoyconfig.Filter) {
	key, _ := f.Discovery.Source.Node.Field("ads")
	e.failed(key, "no_ads", fmt.Sprintf("the filter %q comes over ADS, and the bootstrap has no dynamic_resources.ads_config: Envoy asks nobody for it, "+
		"and says nothing", f.Name),
		"add an ads_config, or give the filter a gRPC service of its own", e.replaceSource(f)...)
}

// xdsClusterName is the cluster of wasm-xds, as far as the configuration tells.
func (e *exam) xdsClusterName() string {
	for _, c := range e.config.Clusters {
		if e.clusters[c.Name] {
			return c.Name
		}
	}
	return DefaultXDSCluster
}

func (e *exam) replaceSource(f *envoyconfig.Filter) []envoyconfig.Edit {
	for _, name := range []string{"ads", "path", "path_config_source"} {
		if key, _ := f.Discovery.Source.Node.Field(name); key != nil {
			return replaceField(f.Discovery.Source.Node, name, ownService(e.xdsClusterName()))
		}
	}
	return nil
}

// checkAPI looks at an api_config_source or at the ads_config.
func (e *exam) checkAPI(f *envoyconfig.Filter) {
	s := f.Discovery.Source
	if !s.IsGRPC() {
		at := orNode(s.API.Get("api_type"), s.API)
		e.failed(at, "not_grpc", fmt.Sprintf("the source of the filter %q does not speak gRPC, and wasm-xds speaks nothing else", f.Name),
			"set api_type to DELTA_GRPC", replaceScalar(s.API.Get("api_type"), "DELTA_GRPC")...)
		return
	}
	cluster, at := s.ClusterName()
	if at == nil {
		if len(s.Services()) == 0 {
			e.failed(s.API, "no_grpc_service", fmt.Sprintf("the source of the filter %q has no grpc_services: Envoy asks nobody", f.Name),
				"add grpc_services with the cluster of wasm-xds")
		}
		return // google_grpc has no cluster
	}
	if e.config.Cluster(cluster) == nil {
		e.xdsClusterMissing(cluster, at)
		return
	}
	if s.BackOff() == nil {
		grpc := grpcOf(s)
		key, _ := grpc.Field("cluster_name")
		e.warn(key, "no_back_off", "this gRPC service has no retry_back_off: Envoy waits up to 30 s before it asks again after the control plane "+
			"was away, and until then an edit does not arrive",
			"add a retry_policy with a retry_back_off", insertField(grpc, "retry_policy", backOff)...)
	}
}

// grpcOf returns the envoy_grpc of a source's first service with an envoy_grpc.
func grpcOf(s envoyconfig.Source) *envoyconfig.Node {
	for _, service := range s.Services() {
		if grpc := service.Get("envoy_grpc"); grpc != nil {
			return grpc
		}
	}
	return nil
}

func (e *exam) xdsClusterMissing(name string, at *envoyconfig.Node) {
	var names []string
	for _, c := range e.config.Clusters {
		names = append(names, c.Name)
	}
	hint, edits := "add a cluster "+name+" with the address of wasm-xds and HTTP/2", []envoyconfig.Edit(nil)
	if near := spec.Nearest(name, names); near != "" {
		hint, edits = fmt.Sprintf("did you mean %q?", near), replaceScalar(at, near)
	}
	e.failed(at, "no_xds_cluster", fmt.Sprintf("there is no cluster %q, which should lead to wasm-xds: Envoy asks nobody for its filters", name), hint, edits...)
}

func orNode(n, other *envoyconfig.Node) *envoyconfig.Node {
	if n != nil {
		return n
	}
	return other
}
