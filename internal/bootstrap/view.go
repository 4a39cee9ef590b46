package bootstrap

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/address"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// view is the data of the template: the options with their defaults, split into parts.
type view struct {
	HTTP, Network []string // names of the filters
	ListenersFile string   // "": the listeners are in the bootstrap

	ADS     bool
	APIType string // DELTA_GRPC or GRPC
	Timeout string // in the JSON form of protobuf: 15s, 0.5s

	HasStats, FewStats bool
	StatsInterval      string // as Timeout

	Admin, Listen, TCPListen      endpoint
	XDS, Modules, Upstream        endpoint
	ModulesCluster                string
	TLS                           TLS
	NodeID, NodeCluster           string
	HTTPTypeURL, NetworkTypeURL   string
	XDSCluster, UpstreamCluster   string
	AgentCluster                  string
	Agent                         endpoint // of the SPIFFE agent
	KeepaliveEvery, KeepaliveWait string
}

// endpoint is an address on which Envoy listens, or the address of a cluster.
type endpoint struct {
	Host   string
	Port   uint16
	Name   bool   // Host is a DNS name, not an IP address
	Socket string // path of a Unix socket; "": Host and Port
}

// DNS returns the discovery type of a cluster with this endpoint.
func (e endpoint) DNS() string {
	if e.Name {
		return "STRICT_DNS"
	}
	return "STATIC"
}

// cluster is the input of the template for a cluster.
type cluster struct {
	Name string
	At   endpoint

	TLS        TLS // the zero value: none
	ServerName string
	IsIP       bool   // ServerName is an IP address
	ALPN       string // "": none

	Identity     matcher // of the server, with a SPIFFE agent
	AgentCluster string
}

// Cluster returns a cluster with one endpoint.
func (v *view) Cluster(name string, at endpoint) cluster { return cluster{Name: name, At: at} }

// Encrypted returns the cluster of a server of the control plane, with TLS if there is any.
func (v *view) Encrypted(name string, at endpoint, alpn string) cluster {
	server := v.TLS.ServerName
	switch {
	case server != "":
	case at.Socket != "":
		server = "localhost"
	default:
		server = at.Host
	}
	_, err := netip.ParseAddr(server)
	identity, _ := v.TLS.SPIFFE.server() // withDefaults has checked it
	return cluster{
		Name: name, At: at, TLS: v.TLS, ServerName: server, IsIP: err == nil, ALPN: alpn,
		Identity: identity, AgentCluster: v.AgentCluster,
	}
}

// HasTLS says whether Envoy speaks TLS to the control plane.
func (v *view) HasTLS() bool { return v.TLS != (TLS{}) }

// HasAgent says whether a SPIFFE agent gives Envoy its certificates.
func (v *view) HasAgent() bool { return v.TLS.SPIFFE != (SPIFFE{}) }

// filter is the input of the template for a filter that comes over ECDS.
type filter struct {
	Name, TypeURL string
	View          *view
}

// Filter returns a filter of this bootstrap.
func (v *view) Filter(name, typeURL string) filter { return filter{name, typeURL, v} }

// WithoutADS returns the view of the same bootstrap with one stream per filter.
func (v *view) WithoutADS() *view {
	other := *v
	other.ADS = false
	return &other
}

func newView(o Options) (*view, error) {
	v := &view{
		ListenersFile:  o.ListenersFile,
		ModulesCluster: or(o.ModulesCluster, "wasm_xds_modules"),
		NodeID:         or(o.NodeID, "envoy-1"),
		NodeCluster:    or(o.NodeCluster, "envoy"),

		HTTPTypeURL:    "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
		NetworkTypeURL: "type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm",
		XDSCluster:     "wasm_xds", UpstreamCluster: "upstream", AgentCluster: "spiffe_agent",
		KeepaliveEvery: "30s", KeepaliveWait: "10s",
	}
	var err error
	if v.TLS, err = o.TLS.withDefaults(); err == nil && v.HasAgent() {
		v.Agent, err = dialAddress(v.TLS.SPIFFE.Socket)
	}
	return v, errors.Join(
		err, v.setFilters(o.Filters), v.setMode(o), v.setStats(o), v.setAddresses(o), v.checkClusters(),
	)
}

func (v *view) setFilters(filters []Filter) error {
	if len(filters) == 0 && v.ListenersFile == "" {
		return errors.New("no filters: name at least one, since Envoy asks for filters by name")
	}
	seen := map[string]bool{}
	for _, f := range filters {
		switch {
		case f.Name == "":
			return errors.New("a filter has no name")
		case seen[f.Name]:
			return fmt.Errorf("the filter %q is there twice", f.Name)
		}
		seen[f.Name] = true
		switch f.Type {
		case spec.HTTP:
			v.HTTP = append(v.HTTP, f.Name)
		case spec.Network:
			v.Network = append(v.Network, f.Name)
		default:
			return fmt.Errorf("the filter %q has the type %q: use %s or %s", f.Name, f.Type, spec.HTTP, spec.Network)
		}
	}
	return nil
}

func (v *view) setMode(o Options) error {
	v.APIType = "DELTA_GRPC"
	switch o.Mode {
	case ADSDelta, "":
		v.ADS = true
	case ADSSotW:
		v.ADS, v.APIType = true, "GRPC"
	case ECDSDelta:
	case ECDSSotW:
		v.APIType = "GRPC"
	default:
		return fmt.Errorf("unknown mode %q: use one of %v", o.Mode, []Mode{ADSDelta, ADSSotW, ECDSDelta, ECDSSotW})
	}
	if o.InitialFetchTimeout < 0 {
		return fmt.Errorf("the initial fetch timeout %v is negative", o.InitialFetchTimeout)
	}
	v.Timeout = seconds(o.InitialFetchTimeout)
	return nil
}

func (v *view) setStats(o Options) error {
	switch o.Stats {
	case StatsAll, "":
		v.HasStats = true
	case StatsFew:
		v.HasStats, v.FewStats = true, true
	case StatsNone:
	default:
		return fmt.Errorf("unknown stats %q: use one of %v", o.Stats, []Stats{StatsAll, StatsFew, StatsNone})
	}
	interval := cmp.Or(o.StatsInterval, usualStats)
	if interval < shortestStats || interval > longestStats {
		return fmt.Errorf("the stats interval %v is not between %v and %v, as Envoy needs it", interval, shortestStats, longestStats)
	}
	v.StatsInterval = seconds(interval)
	return nil
}

// Envoy's default and bounds for stats_flush_interval.
const (
	usualStats    = 5 * time.Second
	shortestStats = time.Millisecond
	longestStats  = 5 * time.Minute
)

func (v *view) setAddresses(o Options) error {
	var errs []error
	parse := func(what, text, byDefault string, parse func(string) (endpoint, error)) endpoint {
		e, err := parse(or(text, byDefault))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s address: %w", what, err))
		}
		return e
	}
	v.Admin = parse("admin", o.AdminAddress, "127.0.0.1:9901", bindAddress)
	v.Listen = parse("listen", o.ListenAddress, "127.0.0.1:10000", bindAddress)
	v.TCPListen = parse("TCP listen", o.TCPListenAddress, "127.0.0.1:10001", bindAddress)
	v.XDS = parse("xDS", o.XDSAddress, "127.0.0.1:18000", dialAddress)
	v.Modules = parse("modules", o.ModulesAddress, "127.0.0.1:18001", dialAddress)
	v.Upstream = parse("upstream", o.UpstreamAddress, "127.0.0.1:18080", dialAddress)
	return errors.Join(errs...)
}

// checkClusters refuses a name for the modules' cluster that another cluster has.
func (v *view) checkClusters() error {
	others := []string{v.XDSCluster, v.UpstreamCluster}
	if v.HasAgent() {
		others = append(others, v.AgentCluster)
	}
	if slices.Contains(others, v.ModulesCluster) {
		return fmt.Errorf("the modules' cluster cannot be called %s: that is another one", v.ModulesCluster)
	}
	return nil
}

// bindAddress parses an address on which Envoy listens: an IP address, never a DNS name.
func bindAddress(text string) (endpoint, error) {
	if strings.HasPrefix(text, "unix:") {
		return endpoint{}, fmt.Errorf("%q is a socket: Envoy listens on IP addresses", text)
	}
	e, err := splitAddress(text)
	if err != nil {
		return endpoint{}, err
	}
	if e.Host == "" {
		e.Host = "0.0.0.0"
	}
	if e.Host == "localhost" {
		e.Host, e.Name = "127.0.0.1", false
	}
	if e.Name {
		return endpoint{}, fmt.Errorf("%q is a name: Envoy listens on IP addresses", e.Host)
	}
	return e, nil
}

// dialAddress parses an address to which Envoy connects. "All interfaces" is no destination, so the
// host becomes this machine's loopback address.
func dialAddress(text string) (endpoint, error) {
	if a, err := address.Parse(text); a.IsSocket() || strings.HasPrefix(text, "unix:") {
		return endpoint{Socket: a.Path()}, err
	}
	e, err := splitAddress(text)
	if err != nil {
		return endpoint{}, err
	}
	if e.Port == 0 {
		return endpoint{}, fmt.Errorf("%q has no port to connect to", text)
	}
	if ip, err := netip.ParseAddr(e.Host); e.Host == "" || err == nil && ip.IsUnspecified() {
		e.Host, e.Name = "127.0.0.1", false
	}
	return e, nil
}

func splitAddress(text string) (endpoint, error) {
	host, portText, err := net.SplitHostPort(text)
	if err != nil {
		return endpoint{}, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return endpoint{}, fmt.Errorf("%q has no port between 0 and 65535", text)
	}
	_, err = netip.ParseAddr(host)
	return endpoint{Host: host, Port: uint16(port), Name: err != nil && host != ""}, nil
}

// seconds formats a duration for Envoy.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s"
}

// plainWord matches words that every YAML reader takes for a string, except for notWords.
var plainWord = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`)

// notWords look like words, but some YAML readers take them for a bool or null.
var notWords = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}

// quote returns text as a YAML scalar that reads back as the same text.
func quote(text string) (string, error) {
	if plainWord.MatchString(text) && !slices.Contains(notWords, strings.ToLower(text)) {
		return text, nil
	}
	if _, err := netip.ParseAddr(text); err == nil && !strings.Contains(text, ":") {
		return text, nil
	}
	// A JSON string is a valid YAML string.
	quoted, err := json.Marshal(text)
	return string(quoted), err
}

func or(text, byDefault string) string {
	if text == "" {
		return byDefault
	}
	return text
}
