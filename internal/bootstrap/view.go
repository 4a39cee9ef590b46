package bootstrap

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// view is the data of the template: the options with their defaults, split into parts.
type view struct {
	HTTP, Network []string // names of the filters
	Services      []Service
	ListenersFile string // "": the listeners are in the bootstrap
	Files         map[string]string

	ADS     bool
	APIType string // DELTA_GRPC or GRPC
	Timeout string // in the JSON form of protobuf: 15s, 0.5s

	HasStats, FewStats bool
	StatsInterval      string // as Timeout

	Admin, Listen, TCPListen      endpoint
	XDS, Modules, Upstream        servers
	ModulesCluster                string
	TLS                           TLS
	NodeID, NodeCluster           string
	HTTPTypeURL, NetworkTypeURL   string
	XDSCluster, UpstreamCluster   string
	AgentCluster                  string
	Agent                         servers // the SPIFFE agent
	KeepaliveEvery, KeepaliveWait string
}

// cluster is the input of the template for a cluster.
type cluster struct {
	Name string
	At   servers

	TLS   TLS // the zero value: none
	Names []serverName
	ALPN  string // "": none

	Identity     matcher // of the server, with a SPIFFE agent
	AgentCluster string
}

// SNI is the name that Envoy asks for; "": none, or the name of each endpoint.
func (c cluster) SNI() string {
	if len(c.Names) == 1 && !c.Names[0].IsIP {
		return c.Names[0].Text
	}
	return ""
}

// SNIOfHost says whether Envoy asks each endpoint for the name of its host.
func (c cluster) SNIOfHost() bool {
	return len(c.Names) > 1 && slices.ContainsFunc(c.Names, func(n serverName) bool { return !n.IsIP })
}

// Cluster returns a cluster with these endpoints.
func (v *view) Cluster(name string, at servers) cluster { return cluster{Name: name, At: at} }

// Encrypted returns the cluster of the servers of the control plane, with TLS if there is any.
func (v *view) Encrypted(name string, at servers, alpn string) cluster {
	identity, _ := v.TLS.SPIFFE.server() // withDefaults has checked it
	return cluster{
		Name: name, At: at, TLS: v.TLS, Names: at.names(v.TLS.ServerName), ALPN: alpn,
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
	Path          string // of the file with the filter; "": the control plane has the filter
	View          *view
}

// Filter returns a filter of this bootstrap.
func (v *view) Filter(name, typeURL string) filter {
	return filter{name, typeURL, v.Files[name], v}
}

// FromFiles says whether the filters come from files, and there is no control plane.
func (v *view) FromFiles() bool { return v.Files != nil }

// WithoutADS returns the view of the same bootstrap with a stream per filter.
func (v *view) WithoutADS() *view {
	other := *v
	other.ADS = false
	return &other
}

func newView(o Options) (*view, error) {
	v := &view{
		ListenersFile:  o.ListenersFile,
		Files:          o.FilterFiles,
		ModulesCluster: or(o.ModulesCluster, "wasm_xds_modules"),
		NodeID:         or(o.NodeID, "envoy-1"),
		NodeCluster:    or(o.NodeCluster, "envoy"),

		HTTPTypeURL:    "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
		NetworkTypeURL: "type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm",
		XDSCluster:     "wasm_xds", UpstreamCluster: "upstream", AgentCluster: "spiffe_agent",
	}
	var err error
	if v.TLS, err = o.TLS.withDefaults(); err == nil && v.HasAgent() {
		v.Agent, err = dialAddresses([]string{v.TLS.SPIFFE.Socket})
	}
	err = errors.Join(
		err, v.setFilters(o.Filters, len(o.Services) > 0), v.setServices(o.Services), v.setMode(o), v.setStats(o), v.setAddresses(o), v.checkClusters(),
	)
	v.setKeepalive()
	return v, err
}

func (v *view) setFilters(filters []Filter, services bool) error {
	if len(filters) == 0 && v.ListenersFile == "" && !services {
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
		if v.FromFiles() && v.Files[f.Name] == "" {
			return fmt.Errorf("the filter %q has no file", f.Name)
		}
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

// ServicePrefix returns the constant [spec.ServicePrefix], for the template.
func (*view) ServicePrefix() string { return spec.ServicePrefix }

func (v *view) setServices(services []Service) error {
	seen := map[string]bool{}
	for _, s := range services {
		switch {
		case s.Name == "" || s.Revision == "" || s.Config == "":
			return errors.New("a service has no name, no revision or no configuration")
		case seen[s.Name]:
			return fmt.Errorf("the service %q is there twice", s.Name)
		}
		seen[s.Name] = true
	}
	v.Services = services
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
	v.ADS = v.ADS && !v.FromFiles()
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
	if v.FromFiles() {
		v.HasStats, v.FewStats = false, false
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
	dial := func(what string, texts []string) servers {
		all, err := dialAddresses(texts)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s address: %w", what, err))
		}
		return all
	}
	xds, modules, err := addressesOf(o)
	errs = append(errs, err)
	v.XDS, v.Modules = dial("xDS", xds), dial("modules", modules)
	v.Upstream = dial("upstream", []string{or(o.UpstreamAddress, "127.0.0.1:18080")})
	return errors.Join(errs...)
}

// setKeepalive sets how soon Envoy notices a control plane that vanished without a close. With
// several servers, Envoy has another one to go to, and looks three times as often. The pings stay
// further apart than the five seconds below which the server would close the connection.
func (v *view) setKeepalive() {
	v.KeepaliveEvery, v.KeepaliveWait = "30s", "10s"
	if v.XDS.Several() {
		v.KeepaliveEvery, v.KeepaliveWait = "10s", "5s"
	}
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
