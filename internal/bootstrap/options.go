package bootstrap

import (
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Mode is the way in which an Envoy asks for its filters.
type Mode string

// The modes. ADS uses one stream for all filters of an Envoy, ECDS one stream per filter. Delta
// sends only changes, SotW sends all names with every request. The empty mode is [ADSDelta].
const (
	ADSDelta  Mode = "ads-delta"
	ADSSotW   Mode = "ads-sotw"
	ECDSDelta Mode = "ecds-delta"
	ECDSSotW  Mode = "ecds-sotw"
)

// Stats are the stats that Envoy reports to the control plane. The empty value is [StatsAll].
type Stats string

// The choices. With [StatsFew], Envoy makes no other stats than those that the control plane reads,
// neither for its admin port nor for other stats sinks.
const (
	StatsAll  Stats = "all"
	StatsFew  Stats = "few"
	StatsNone Stats = "none"
)

// Filter is a filter in the listener of its type.
type Filter struct {
	Name string
	Type spec.Type
}

// Options describe a bootstrap. The zero value of each field except Filters means the default in
// the comment beside the field.
//
// Addresses have the form host:port. The host may be a DNS name where Envoy connects, and a host
// that means all interfaces becomes 127.0.0.1 there. Where Envoy connects, the address may also be
// a Unix socket: unix:// and an absolute path. Where Envoy listens, port 0 lets the system choose.
type Options struct {
	// Filters are in the order in which requests pass through them. At least one filter is
	// required, except with a ListenersFile or with Services.
	Filters []Filter
	// Services are the Wasm services.
	Services []Service
	// ListenersFile is the path of a file with the listeners, see [RenderListeners]. If the path is
	// empty, the bootstrap itself contains the listeners.
	ListenersFile string
	// FilterFiles are the paths of files with the filters, by name. With them, Envoy reads each
	// filter from its file, and there is no control plane: Envoy has no cluster for one, and
	// reports no stats. nil means the filters come from the control plane.
	FilterFiles map[string]string

	Mode Mode // ads-delta
	// InitialFetchTimeout is how long a listener waits for its filters at boot. After the timeout
	// the listener opens without them and answers 500. 0 waits for ever.
	InitialFetchTimeout time.Duration

	XDSAddress     string // 127.0.0.1:18000, the control plane
	ModulesAddress string // 127.0.0.1:18001, the module server of the control plane
	// XDSServers are the replicas of the control plane, instead of XDSAddress. Each new stream goes
	// to any of them, and not to a replica that has just failed.
	XDSServers []string
	// ModulesServers are their module servers, instead of ModulesAddress. nil means the hosts of
	// XDSServers, with the port 18001.
	ModulesServers []string
	ModulesCluster string // wasm_xds_modules, as in `serve --modules-cluster`
	TLS            TLS    // no TLS

	Stats         Stats         // all
	StatsInterval time.Duration // 5s, between two reports

	AdminAddress     string // 127.0.0.1:9901
	ListenAddress    string // 127.0.0.1:10000, HTTP; used only with an HTTP filter
	TCPListenAddress string // 127.0.0.1:10001; used only with a network filter
	UpstreamAddress  string // 127.0.0.1:18080, the target of all traffic

	NodeID      string // envoy-1
	NodeCluster string // envoy
}
