package xds

import (
	"path"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Foreign is a client's request for something other than extension configs.
type Foreign struct {
	// Asks is a short word for the request: lds, cds, rds, eds, sds, other_type for another type on
	// ADS, fetch for REST polling over gRPC, or other_service.
	Asks    string
	Text    string // the type URL, or the gRPC method, of at most longestForeign bytes
	Node    string // ""; not known
	Address string
}

// longestForeign bounds a text that a client chooses.
const longestForeign = 200

// words of the types that Envoys ask for, by the last part of the type URL or of the service.
var words = map[string]string{
	"Listener": "lds", "ListenerDiscoveryService": "lds",
	"Cluster": "cds", "ClusterDiscoveryService": "cds",
	"RouteConfiguration": "rds", "RouteDiscoveryService": "rds",
	"ClusterLoadAssignment": "eds", "EndpointDiscoveryService": "eds",
	"Secret": "sds", "SecretDiscoveryService": "sds",
}

// lastPart returns the text after the last dot.
func lastPart(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// foreignType describes a request for another type.
func foreignType(typeURL, node, address string) Foreign {
	word := words[lastPart(typeURL)]
	if word == "" {
		word = "other_type"
	}
	return Foreign{Asks: word, Text: brief(typeURL), Node: node, Address: address}
}

// foreignMethod describes a call of another method: /package.Service/Method.
func foreignMethod(method, address string) Foreign {
	word := words[lastPart(path.Base(path.Dir(method)))]
	switch {
	case strings.HasPrefix(path.Base(method), "Fetch"):
		word = "fetch"
	case word == "":
		word = "other_service"
	}
	return Foreign{Asks: word, Text: brief(method), Address: address}
}

func brief(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), longestForeign)], "")
}

// WhoAnswer is the text of the error for calls of services that wasm-xds does not have. It shows in
// Envoy's log.
const WhoAnswer = "wasm-xds serves extension configs only: ask it for filters with config_discovery, over ECDS or ADS streams"

// WhoMethod is a method that no server has. A client recognises wasm-xds by [WhoAnswer]. The server
// does not report the call.
const WhoMethod = "/wasm_xds.v1.Who/Who"

var errOnlyECDS = status.Error(codes.Unimplemented, WhoAnswer)
