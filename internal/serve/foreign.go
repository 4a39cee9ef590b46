package serve

import (
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/xds"
)

// foreignOf turns a request for other resources into the form in the status.
func foreignOf(f xds.Foreign) api.Visitor {
	v := api.Visitor{Port: "xds", Speaks: f.Asks, Address: f.Address, Node: f.Node}
	const beside = "leave ads_config to the other control plane, and give each filter an api_config_source of its own that leads here; " +
		"wasm-xds doctor shows the place in Envoy's configuration"
	switch f.Asks {
	case "lds", "cds", "rds", "eds", "sds":
		what := map[string]string{"lds": "listeners", "cds": "clusters", "rds": "routes", "eds": "endpoints", "sds": "secrets"}[f.Asks]
		v.Message = fmt.Sprintf("an Envoy asks here for %s, and wasm-xds serves only filters, over ECDS: they never come", what)
		v.Hint = "take them from their own control plane or from a file; " + beside
	case "fetch":
		v.Message = "an Envoy polls for its filters, and wasm-xds serves streams only"
		v.Hint = "set api_type to DELTA_GRPC in the filter's api_config_source"
	case "other_type":
		v.Message = "an Envoy asks here for resources that wasm-xds does not serve: " + f.Text
		v.Hint = "wasm-xds serves only filters, over ECDS; " + beside
	default:
		v.Message = "a client calls a gRPC service that wasm-xds does not have: " + f.Text
		v.Hint = "wasm-xds has the services of ECDS and ADS; have the client call its own server"
	}
	return v
}
