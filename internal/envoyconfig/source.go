package envoyconfig

import "time"

// SourceKind is the way in which Envoy gets a resource.
type SourceKind string

// The kinds of sources. The zero value is a source refused by Envoy.
const (
	ADS  SourceKind = "ads"  // the aggregated stream of dynamic_resources.ads_config
	API  SourceKind = "api"  // a gRPC or REST service of its own
	Path SourceKind = "path" // a file
)

// DefaultFetchTimeout is how long Envoy waits for a resource without an initial_fetch_timeout.
const DefaultFetchTimeout = 15 * time.Second

// Source is a config_source.
type Source struct {
	Node *Node // the config_source
	Kind SourceKind
	// API is the api_config_source, for ADS the ads_config. nil: there is none
	API  *Node
	Path string // of a file

	FetchTimeout time.Duration // 0: waits for ever
	Timeout      *Node         // the initial_fetch_timeout; nil: it is not set
}

// source reads a config_source. ads is the ads_config; nil: the bootstrap has none.
func source(n, ads *Node) Source {
	s := Source{Node: n, FetchTimeout: DefaultFetchTimeout, Timeout: n.Get("initial_fetch_timeout")}
	if d, ok := n.Duration("initial_fetch_timeout"); ok {
		s.FetchTimeout = d
	}
	switch {
	case n.Has("ads"):
		s.Kind, s.API = ADS, ads
	case n.Has("api_config_source"):
		s.Kind, s.API = API, n.Get("api_config_source")
	case n.Has("path_config_source"):
		s.Kind, s.Path = Path, n.Scalar("path_config_source", "path")
	case n.Has("path"):
		s.Kind, s.Path = Path, n.Scalar("path")
	}
	return s
}

// Services returns the gRPC services of an api_config_source, in order.
func (s Source) Services() []*Node { return s.API.All("grpc_services") }

// IsGRPC says whether the source speaks gRPC, by the api_type.
func (s Source) IsGRPC() bool {
	switch s.API.Scalar("api_type") {
	case "GRPC", "DELTA_GRPC", "AGGREGATED_GRPC", "AGGREGATED_DELTA_GRPC", "2", "3", "5", "6":
		return true
	default:
		return false
	}
}

// IsDelta says whether the source speaks delta xDS.
func (s Source) IsDelta() bool {
	switch s.API.Scalar("api_type") {
	case "DELTA_GRPC", "AGGREGATED_DELTA_GRPC", "3", "6":
		return true
	default:
		return false
	}
}

// ClusterName returns the cluster of the first gRPC service and the place of the name. Both are
// zero for a service without a cluster, like google_grpc.
func (s Source) ClusterName() (string, *Node) {
	for _, service := range s.Services() {
		if name := service.Get("envoy_grpc", "cluster_name"); name != nil {
			return name.Text, name
		}
	}
	return "", nil
}

// BackOff returns the retry_back_off of the first gRPC service with a cluster; nil: there is none.
func (s Source) BackOff() *Node {
	for _, service := range s.Services() {
		if grpc := service.Get("envoy_grpc"); grpc != nil {
			return grpc.Get("retry_policy", "retry_back_off")
		}
	}
	return nil
}
