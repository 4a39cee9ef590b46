package harness

import (
	_ "embed"
	"encoding/json"
	"strings"
	"text/template"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	yaml "github.com/goccy/go-yaml"
	"google.golang.org/protobuf/encoding/protojson"

	// The types in the Any messages of a listener from [Bootstrap.Listener].
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/wasm/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/wasm/v3"
)

// Mode is the way in which an Envoy asks for its filters.
type Mode string

// The modes.
const (
	ADSDelta  Mode = "ads-delta"
	ADSSotW   Mode = "ads-sotw"
	ECDSDelta Mode = "ecds-delta"
	ECDSSotW  Mode = "ecds-sotw"
)

// Modes returns all modes.
func Modes() []Mode { return []Mode{ADSDelta, ADSSotW, ECDSDelta, ECDSSotW} }

// ADS reports whether all filters share one stream.
func (m Mode) ADS() bool { return strings.HasPrefix(string(m), "ads") }

// GRPC returns the api_type of the mode's configuration source.
func (m Mode) GRPC() string {
	delta := strings.HasSuffix(string(m), "delta")
	switch {
	case delta:
		return "DELTA_GRPC"
	default:
		return "GRPC"
	}
}

// Filter is a place in a filter chain for an ECDS filter.
type Filter struct {
	Name string
	// Default is a default_config as JSON or YAML flow text, like
	// {"@type": type.googleapis.com/…}. "" means none.
	Default string
	// NoWarming makes the listener open with the default at once.
	NoWarming bool
	// XDSAddress is a separate control plane for this filter, over delta ECDS. "" means the
	// bootstrap's control plane.
	XDSAddress string
	// Path is a file with a discovery response, which Envoy watches instead of a control plane. ""
	// means none.
	Path string
}

// Filters returns plain filters with these names.
func Filters(names ...string) []Filter {
	filters := make([]Filter, len(names))
	for i, name := range names {
		filters[i].Name = name
	}
	return filters
}

// HTTPListener is a listener with HTTP filters and a router to one upstream. It allows WebSockets
// and endless responses.
type HTTPListener struct {
	Name     string
	Port     int
	Filters  []Filter
	Upstream string // host:port
	// AccessLog is a list of access logs as YAML flow text; "": none.
	AccessLog string
}

// TCPListener is a listener with network filters and a tcp_proxy.
type TCPListener struct {
	Name     string
	Port     int
	Filters  []Filter
	Upstream string // host:port
}

// Bootstrap describes an Envoy with its listeners and the origin of its filters.
type Bootstrap struct {
	Mode           Mode   // "": ADSDelta
	XDSAddress     string // the control plane, host:port
	ModulesAddress string // the module server, host:port
	ModulesCluster string // "": wasm_xds_modules
	NodeID         string // "": edge-1
	NodeCluster    string // "": edge
	Metadata       map[string]string
	// InitialFetchTimeout is a duration like "2s" or "0s". "" means Envoy's default of 15s.
	InitialFetchTimeout string
	HTTP                []HTTPListener
	TCP                 []TCPListener
	// LDSAddress is a delta LDS server (host:port) with further listeners. "" means none.
	LDSAddress string
	// LDSPath is a file with a discovery response of further listeners, which Envoy watches. ""
	// means none.
	LDSPath string
	// Upstreams are the upstream addresses of listeners from LDS. Each upstream needs a cluster,
	// and the clusters are static.
	Upstreams []string
	// StatsInterval is how often Envoy reports its stats to the control plane, like "1s"; "":
	// never. HTTP listeners without an AccessLog then also log the requests that Envoy fails
	// because a filter has trapped.
	StatsInterval string
	// StatsOptions are further fields of the MetricsServiceConfig, as YAML flow text without
	// braces; "": summaries in place of histograms, as `wasm-xds bootstrap` has them.
	StatsOptions string
	// PressureFile is a file with the share of the memory limit that Envoy uses, from 0 to 1. Envoy
	// reads the file again when a rename replaces it. "": Envoy has no resource monitor.
	PressureFile string
	// Extensions is the list bootstrap_extensions as YAML, not indented. "": none.
	Extensions string
	// KeepAlive limits the time until Envoy notices a dead control plane.
	KeepAlive bool
}

//go:embed bootstrap.yaml.tmpl
var bootstrapTemplate string

// YAML returns the whole bootstrap.
func (b Bootstrap) YAML(t TB) string {
	t.Helper()
	return b.execute(t, "bootstrap", b.withDefaults())
}

// Listener returns an HTTP listener in the form for LDS.
func (b Bootstrap) Listener(t TB, l HTTPListener) *listenerv3.Listener {
	t.Helper()
	return decodeListener(t, b.execute(t, "http-listener", listenerData{b.withDefaults(), l}))
}

// TCPListener returns a TCP listener in the form for LDS.
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

// Clusters returns the distinct upstream addresses that need a cluster.
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

// XDSClusters returns the addresses of the control planes by cluster name.
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

// quote returns a JSON string, which is also valid YAML.
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
