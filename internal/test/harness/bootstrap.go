package harness

import (
	_ "embed"
	"encoding/json"
	"strings"
	"text/template"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	yaml "github.com/goccy/go-yaml"
	"google.golang.org/protobuf/encoding/protojson"

	// The types that a listener of [Bootstrap.Listener] holds as Any.
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/wasm/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/wasm/v3"
)

// Mode is how an Envoy asks for its filters.
type Mode string

// The modes.
const (
	ADSDelta  Mode = "ads-delta"
	ADSSotW   Mode = "ads-sotw"
	ECDSDelta Mode = "ecds-delta"
	ECDSSotW  Mode = "ecds-sotw"
)

// Modes are all of them.
func Modes() []Mode { return []Mode{ADSDelta, ADSSotW, ECDSDelta, ECDSSotW} }

// ADS says whether everything goes over one stream.
func (m Mode) ADS() bool { return strings.HasPrefix(string(m), "ads") }

// GRPC is the api_type of the mode's configuration source.
func (m Mode) GRPC() string {
	delta := strings.HasSuffix(string(m), "delta")
	switch {
	case delta:
		return "DELTA_GRPC"
	default:
		return "GRPC"
	}
}

// Filter is a place in a filter chain that ECDS fills.
type Filter struct {
	Name string
	// Default is a default_config as JSON or YAML flow text, such as
	// {"@type": type.googleapis.com/…}; "": none.
	Default string
	// NoWarming has the listener open with the default at once.
	NoWarming bool
	// XDSAddress is another control plane for this filter alone, over delta
	// ECDS; "": the bootstrap's.
	XDSAddress string
	// Path is a file with a discovery response, which Envoy watches itself, in place
	// of any control plane; "": none.
	Path string
}

// Filters are places with these names and nothing special.
func Filters(names ...string) []Filter {
	filters := make([]Filter, len(names))
	for i, name := range names {
		filters[i].Name = name
	}
	return filters
}

// HTTPListener is a listener with HTTP filters before a router to one upstream.
// It lets WebSockets and responses without end through.
type HTTPListener struct {
	Name     string
	Port     int
	Filters  []Filter
	Upstream string // host:port
}

// TCPListener is a listener with network filters before a tcp_proxy.
type TCPListener struct {
	Name     string
	Port     int
	Filters  []Filter
	Upstream string // host:port
}

// Bootstrap describes an Envoy with its listeners and where its filters come from.
type Bootstrap struct {
	Mode           Mode   // "": ADSDelta
	XDSAddress     string // the control plane, host:port
	ModulesAddress string // the module server, host:port
	ModulesCluster string // "": wasm_xds_modules
	NodeID         string // "": edge-1
	NodeCluster    string // "": edge
	Metadata       map[string]string
	// InitialFetchTimeout such as "2s" or "0s"; "": 15s, which is Envoy's default.
	InitialFetchTimeout string
	HTTP                []HTTPListener
	TCP                 []TCPListener
	// LDSAddress is a delta LDS server, host:port, that brings further listeners; "": none.
	LDSAddress string
	// LDSPath is a file with a discovery response of further listeners, which Envoy watches
	// itself; "": none.
	LDSPath string
	// Upstreams are further upstream addresses that listeners of LDS use: each
	// upstream needs a cluster, and the clusters are static.
	Upstreams []string
	// KeepAlive bounds how long a dead control plane goes unnoticed.
	KeepAlive bool
}

//go:embed bootstrap.yaml.tmpl
var bootstrapTemplate string

// YAML is the whole bootstrap.
func (b Bootstrap) YAML(t TB) string {
	t.Helper()
	return b.execute(t, "bootstrap", b.withDefaults())
}

// Listener is one HTTP listener as LDS brings it.
func (b Bootstrap) Listener(t TB, l HTTPListener) *listenerv3.Listener {
	t.Helper()
	return decodeListener(t, b.execute(t, "http-listener", listenerData{b.withDefaults(), l}))
}

// TCPListener is one TCP listener as LDS brings it.
func (b Bootstrap) TCPListener(t TB, l TCPListener) *listenerv3.Listener {
	t.Helper()
	return decodeListener(t, b.execute(t, "tcp-listener", listenerData{b.withDefaults(), l}))
}

type listenerData struct {
	Bootstrap Bootstrap
	Listener  any
}

type filterData struct {
	Bootstrap Bootstrap
	Filter    Filter
	TypeURL   string
}

func (b Bootstrap) withDefaults() Bootstrap {
	or := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	or((*string)(&b.Mode), string(ADSDelta))
	or(&b.ModulesCluster, "wasm_xds_modules")
	or(&b.NodeID, "edge-1")
	or(&b.NodeCluster, "edge")
	or(&b.InitialFetchTimeout, "15s")
	return b
}

func (b Bootstrap) execute(t TB, name string, data any) string {
	t.Helper()
	var out strings.Builder
	tmpl := template.New("").Funcs(template.FuncMap{
		"q":    quote,
		"host": func(address string) string { h, _, _ := strings.Cut(address, ":"); return h },
		"port": func(address string) int { return portOf(t, address) },
		"in":   func(b Bootstrap, l any) listenerData { return listenerData{b, l} },
		"place": func(b Bootstrap, f Filter, typeURL string) filterData {
			return filterData{b, f, typeURL}
		},
	})
	if _, err := tmpl.Parse(bootstrapTemplate); err != nil {
		t.Fatalf("bootstrap template: %v", err)
	}
	if err := tmpl.ExecuteTemplate(&out, name, data); err != nil {
		t.Fatalf("bootstrap template: %v", err)
	}
	return out.String()
}

// Clusters are the upstream addresses that need a cluster, each once.
func (b Bootstrap) Clusters() []string {
	seen := map[string]bool{}
	var all []string
	add := func(address string) {
		if address != "" && !seen[address] {
			seen[address] = true
			all = append(all, address)
		}
	}
	for _, l := range b.HTTP {
		add(l.Upstream)
	}
	for _, l := range b.TCP {
		add(l.Upstream)
	}
	for _, address := range b.Upstreams {
		add(address)
	}
	return all
}

// XDSClusters are the control planes, name to address.
func (b Bootstrap) XDSClusters() map[string]string {
	clusters := map[string]string{}
	add := func(address string) {
		if address != "" {
			clusters["xds_"+address] = address
		}
	}
	add(b.XDSAddress)
	add(b.LDSAddress)
	for _, l := range b.HTTP {
		for _, f := range l.Filters {
			add(f.XDSAddress)
		}
	}
	for _, l := range b.TCP {
		for _, f := range l.Filters {
			add(f.XDSAddress)
		}
	}
	return clusters
}

// quote makes a JSON string, which YAML reads as it is.
func quote(s string) (string, error) {
	text, err := json.Marshal(s)
	return string(text), err
}

func decodeListener(t TB, text string) *listenerv3.Listener {
	t.Helper()
	var items []any
	if err := yaml.Unmarshal([]byte(text), &items); err != nil || len(items) != 1 {
		t.Fatalf("listener: %v\n%s", err, text)
	}
	asJSON, err := json.Marshal(items[0])
	if err != nil {
		t.Fatalf("listener: %v", err)
	}
	listener := &listenerv3.Listener{}
	if err := protojson.Unmarshal(asJSON, listener); err != nil {
		t.Fatalf("listener: %v\n%s", err, asJSON)
	}
	return listener
}
