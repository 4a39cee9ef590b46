package depcheck

// imports lists all packages of both modules, each with the packages of these modules that it
// imports outside its tests. An import without an entry fails, and so does an entry without an
// import.
var imports = map[string][]string{
	"cmd/wasm-xds": {"internal/cli"},

	"pkg/spec":           {},
	"pkg/snapshot":       {"pkg/spec"},
	"pkg/translate":      {"pkg/snapshot", "pkg/spec"},
	"pkg/source":         {"pkg/spec"},
	"pkg/source/dir":     {"pkg/source", "pkg/spec"},
	"pkg/source/restart": {"pkg/source", "pkg/spec"},
	"pkg/source/merge":   {"pkg/source", "pkg/source/restart", "pkg/spec"},

	// Tools that know nothing of specs.
	"internal/atomicfile":   {},
	"internal/address":      {},
	"internal/inflow":       {"internal/address"},
	"internal/certs":        {"internal/reason", "internal/regular"},
	"internal/tlsserver":    {"internal/address"},
	"internal/tlsfiles":     {"internal/regular", "internal/tlsserver"},
	"internal/spiffe":       {"internal/pause", "internal/tlsserver"},
	"internal/ending":       {},
	"internal/etcdclient":   {"internal/reason", "internal/regular", "internal/seal", "pkg/spec"},
	"internal/getenvoy":     {},
	"internal/gitcheckout":  {"internal/regular"},
	"internal/layer":        {},
	"internal/netguard":     {},
	"internal/regular":      {},
	"internal/seal":         {"internal/reason", "internal/regular", "pkg/spec"},
	"internal/mask":         {"pkg/spec"},
	"internal/pause":        {},
	"internal/signal":       {},
	"internal/signature":    {"internal/reason", "internal/regular", "pkg/spec"},
	"internal/state":        {"internal/atomicfile", "internal/seal"},
	"internal/systemd":      {},
	"internal/terminal":     {},
	"internal/transfer":     {},
	"internal/health/stats": {},
	"internal/visitor":      {},
	"internal/lobby":        {"internal/address"},
	"internal/wasmenc":      {},

	// What a server tells others by itself.
	"internal/webhook": {"internal/api", "internal/certs", "internal/netguard", "internal/pause", "internal/reason", "internal/regular", "pkg/spec"},

	"internal/trace": {},
	"internal/otlp":  {"internal/trace", "pkg/spec"},

	// Modules and bundles.
	"internal/registry":     {"internal/certs", "internal/netguard", "internal/pause", "internal/transfer", "pkg/spec", "internal/reason", "internal/regular", "internal/mask"},
	"internal/module":       {"internal/atomicfile", "internal/certs", "internal/layer", "internal/netguard", "internal/pause", "internal/registry", "internal/signature", "internal/transfer", "pkg/snapshot", "pkg/spec", "internal/reason", "internal/regular"},
	"internal/moduleserver": {"internal/pause", "pkg/snapshot"},
	"internal/bundle":       {"pkg/spec"},
	"internal/source/oci":   {"internal/atomicfile", "internal/bundle", "internal/registry", "pkg/source", "pkg/spec"},
	"internal/builtin":      {"internal/wasmenc", "pkg/snapshot", "pkg/spec"},

	// The sandbox.
	"internal/preflight/envoy":   {},
	"internal/preflight/wasmbin": {"internal/wasmenc"},
	"internal/preflight/finding": {"internal/preflight/envoy"},
	"internal/preflight/cause":   {"internal/preflight/finding"},
	"internal/preflight/static":  {"internal/preflight/cause", "internal/preflight/envoy", "internal/preflight/finding", "internal/preflight/wasmbin"},
	"internal/preflight/engine":  {},
	"internal/preflight/host": {
		"internal/preflight/cause", "internal/preflight/envoy", "internal/preflight/finding", "internal/preflight/wasmbin",
	},
	"internal/preflight/sandbox": {
		"internal/preflight/cause", "internal/preflight/engine", "internal/preflight/envoy", "internal/preflight/finding",
		"internal/preflight/host", "internal/preflight/static", "internal/preflight/wasmbin", "pkg/spec",
	},
	"internal/preflight/traffic": {"internal/preflight/host", "pkg/spec"},
	"internal/preflight/rootid": {
		"internal/preflight/envoy", "internal/preflight/finding", "internal/preflight/host", "internal/preflight/sandbox",
		"internal/preflight/traffic", "internal/preflight/wasmbin", "pkg/spec",
	},
	"internal/preflight/runner": {
		"internal/preflight/envoy", "internal/preflight/wasmbin",
		"internal/preflight/cause", "internal/preflight/engine", "internal/preflight/finding", "internal/preflight/host",
		"internal/preflight/sandbox", "internal/preflight/traffic", "pkg/spec",
	},
	"internal/preflight/profile": {
		"internal/preflight/cause", "internal/preflight/engine", "internal/preflight/finding", "internal/preflight/sandbox",
		"internal/preflight/traffic", "pkg/spec",
	},
	"internal/preflight": {
		"internal/preflight/cause", "internal/preflight/envoy", "internal/preflight/finding", "internal/preflight/host",
		"internal/preflight/rootid", "internal/preflight/sandbox", "internal/preflight/traffic", "pkg/spec",
	},
	"internal/examine": {
		"internal/preflight", "internal/preflight/envoy", "internal/preflight/finding", "internal/preflight/host",
		"internal/preflight/profile", "internal/preflight/runner", "internal/preflight/sandbox", "internal/preflight/static",
		"internal/terminal", "pkg/snapshot", "pkg/spec", "internal/mask",
	},

	// Delivery.
	"internal/delivery/reach":     {},
	"internal/delivery/rollout":   {"internal/delivery/verdict", "pkg/snapshot", "pkg/spec"},
	"internal/delivery/unsettled": {},
	"internal/delivery/verdict":   {"pkg/snapshot"},
	"internal/delivery":           {"internal/delivery/reach", "internal/delivery/rollout", "internal/delivery/unsettled", "internal/delivery/verdict", "pkg/snapshot", "pkg/spec", "internal/mask"},
	"internal/ledger":             {"internal/delivery/rollout", "internal/delivery/verdict", "pkg/snapshot"},
	"internal/xds/wire":           {},
	"internal/xds/subscription":   {"internal/delivery", "internal/xds/wire"},
	"internal/xds/resource":       {"internal/delivery", "internal/xds/wire", "pkg/snapshot", "pkg/spec", "pkg/translate"},
	"internal/identity":           {"pkg/spec"},
	"internal/xds": {
		"internal/address", "internal/delivery", "internal/ending", "internal/identity", "internal/inflow", "internal/signal", "internal/xds/subscription", "internal/xds/wire", "pkg/spec", "pkg/translate",
	},

	// The server.
	"internal/api":        {"pkg/snapshot", "pkg/spec"},
	"internal/events":     {"internal/api"},
	"internal/admin":      {"internal/address", "pkg/spec", "internal/api", "internal/events", "internal/ending", "internal/token"},
	"internal/specedit":   {"internal/atomicfile", "pkg/spec", "internal/regular"},
	"internal/reason":     {},
	"internal/token":      {"pkg/spec", "internal/reason", "internal/regular"},
	"internal/apiclient":  {"internal/address", "internal/api", "internal/reason"},
	"internal/metrics":    {"internal/api", "internal/signal"},
	"internal/tags":       {"internal/pause", "pkg/snapshot", "pkg/spec"},
	"internal/findings":   {"internal/examine"},
	"internal/checkqueue": {"internal/examine", "internal/pause", "pkg/snapshot", "pkg/spec"},
	"internal/desired":    {"pkg/snapshot", "pkg/source", "pkg/spec"},
	"internal/track": {
		"internal/checkqueue", "internal/desired", "internal/examine", "internal/findings", "internal/module",
		"internal/pause", "internal/tags", "internal/transfer", "pkg/snapshot", "pkg/source", "pkg/spec",
	},
	"internal/record":  {"internal/api", "internal/mask", "internal/terminal", "pkg/snapshot", "pkg/spec"},
	"internal/persist": {"internal/delivery", "internal/desired", "internal/findings", "internal/record", "internal/state", "internal/tags", "pkg/snapshot", "internal/seal"},
	"internal/fleet":   {"internal/api", "internal/delivery"},
	"internal/command": {"internal/api", "internal/delivery", "pkg/snapshot", "pkg/spec"},
	"internal/report": {
		"internal/api", "internal/command", "internal/delivery", "internal/delivery/rollout", "internal/desired", "internal/fleet", "internal/health", "internal/record", "internal/signal",
		"internal/tags", "internal/track", "pkg/snapshot", "pkg/spec",
	},
	"internal/door":              {"internal/address", "internal/api"},
	"internal/health":            {"internal/api", "internal/health/stats", "internal/signal", "pkg/spec"},
	"internal/health/prometheus": {"internal/health", "internal/netguard", "internal/reason", "internal/regular", "pkg/spec"},
	"internal/health/watcher":    {"internal/api", "internal/health", "internal/health/prometheus", "pkg/spec"},
	"internal/control": {
		"internal/api", "internal/builtin", "internal/checkqueue", "internal/command", "internal/delivery", "internal/delivery/rollout", "internal/desired",
		"internal/events", "internal/examine", "internal/findings", "internal/fleet", "internal/gitcheckout", "internal/health", "internal/module", "internal/pause",
		"internal/persist", "internal/record", "internal/report", "internal/tags", "internal/trace", "internal/track", "internal/transfer", "pkg/snapshot", "pkg/source",
		"pkg/source/merge", "pkg/source/restart", "pkg/spec",
	},

	"internal/serve": {
		"internal/address", "internal/admin", "internal/api", "internal/builtin", "internal/certs", "internal/control", "internal/delivery", "internal/door", "internal/ending", "internal/inflow", "internal/lobby",
		"internal/examine", "internal/health/prometheus", "internal/health/watcher", "internal/identity", "internal/metrics", "internal/module", "internal/moduleserver", "internal/netguard",
		"internal/preflight/engine", "internal/preflight/profile", "internal/preflight/sandbox", "internal/reason", "internal/registry", "internal/regular", "internal/seal", "internal/signal", "internal/signature", "internal/source/oci",
		"internal/spiffe", "internal/state", "internal/systemd", "internal/tlsfiles", "internal/tlsserver", "internal/token", "internal/trace", "internal/otlp", "internal/transfer", "internal/visitor", "internal/webhook", "internal/xds", "internal/xds/resource",
		"pkg/snapshot", "pkg/source",
		"pkg/source/dir", "pkg/source/merge", "pkg/spec",
	},

	// The command line, bottom first: the common parts, the families of commands, the root.
	"internal/bootstrap":   {"internal/address", "pkg/spec"},
	"internal/eject":       {"internal/api", "internal/bootstrap", "internal/builtin", "internal/delivery", "pkg/snapshot", "pkg/spec", "pkg/translate"},
	"internal/envoyedit":   {"internal/envoyconfig", "pkg/spec"},
	"internal/adopt":       {"internal/bootstrap", "internal/envoyconfig", "internal/envoyedit", "pkg/spec"},
	"internal/envoyconfig": {"pkg/spec"},
	"internal/doctor":      {"internal/bootstrap", "internal/api", "internal/envoyconfig", "pkg/spec"},
	"internal/doctor/dial": {"internal/envoyconfig", "internal/reason", "internal/xds", "pkg/spec"},
	"internal/cli/build":   {},
	"internal/cli/display": {"internal/terminal", "pkg/spec", "internal/regular"},
	"internal/cli/command": {"internal/address", "internal/api", "internal/cli/display", "pkg/spec"},
	"internal/cli/fetch": {
		"internal/bundle", "internal/certs", "internal/cli/command", "internal/cli/display", "internal/module",
		"internal/netguard", "internal/registry", "internal/signature", "pkg/spec",
	},
	"internal/cli/load": {"internal/bundle", "internal/cli/fetch", "internal/module", "internal/preflight/static", "internal/preflight/wasmbin", "internal/reason", "internal/registry", "pkg/snapshot", "pkg/source", "pkg/source/dir", "pkg/spec", "internal/regular"},
	"internal/cli/trial": {
		"internal/api", "internal/cli/command", "internal/cli/display", "internal/cli/load", "internal/examine",
		"internal/module", "internal/preflight/finding", "internal/preflight/profile", "internal/preflight/runner",
		"internal/preflight/wasmbin", "internal/terminal", "pkg/spec",
	},
	"internal/cli/view": {"internal/api", "internal/apiclient", "internal/cli/display", "internal/terminal", "pkg/spec"},
	"internal/cli/serveflags": {
		"internal/cli/build", "internal/cli/command", "internal/cli/fetch", "internal/examine", "internal/record", "internal/serve", "internal/spiffe",
		"internal/xds", "internal/xds/resource", "pkg/spec",
	},
	"internal/kit/template":  {},
	"internal/schema":        {},
	"internal/kit/project":   {"pkg/spec"},
	"internal/kit/wasmfile":  {"internal/preflight/static"},
	"internal/kit/compiler":  {"internal/atomicfile", "internal/kit/project", "internal/kit/wasmfile", "internal/preflight/static", "internal/regular", "pkg/spec"},
	"internal/kit/sources":   {},
	"internal/kit/recording": {"internal/mask"},
	"internal/cli/kit": {
		"internal/cli/command", "internal/cli/display", "internal/cli/fetch", "internal/cli/load", "internal/cli/trial", "internal/examine",
		"internal/kit/compiler", "internal/kit/project", "internal/kit/template", "internal/module", "internal/reason",
		"pkg/source", "pkg/source/dir", "pkg/spec",
	},
	"internal/cli/dev": {
		"internal/adopt", "internal/api", "internal/apiclient", "internal/atomicfile", "internal/bootstrap", "internal/cli/command",
		"internal/cli/display", "internal/cli/load", "internal/cli/serveflags", "internal/cli/view", "internal/envoyconfig", "internal/examine",
		"internal/getenvoy", "internal/kit/compiler", "internal/kit/project", "internal/kit/sources", "internal/reason", "internal/regular",
		"internal/serve", "internal/terminal", "pkg/spec", "pkg/translate",
	},
	"internal/cli/configfile": {"internal/cli/command", "internal/reason", "internal/regular", "pkg/spec"},
	"internal/cli/adopting": {
		"internal/adopt", "internal/atomicfile", "internal/cli/command", "internal/cli/dev", "internal/cli/display", "internal/cli/load",
		"internal/envoyconfig", "internal/reason", "internal/regular", "internal/terminal", "pkg/spec",
	},
	"internal/cli/connect": {
		"internal/apiclient", "internal/atomicfile", "internal/cli/command", "internal/reason", "internal/regular", "internal/token", "pkg/spec",
	},
	"internal/cli/server": {
		"internal/address", "internal/api", "internal/apiclient", "internal/atomicfile", "internal/kit/template", "internal/reason", "internal/cli/command", "internal/cli/configfile", "internal/cli/connect", "internal/cli/display", "internal/cli/fetch",
		"internal/cli/build", "internal/cli/load", "internal/cli/serveflags", "internal/cli/view", "internal/module", "internal/serve", "internal/source/oci", "internal/systemd", "internal/terminal",
		"internal/webhook", "pkg/spec",
	},
	"internal/cli/specs": {
		"internal/reason", "internal/regular", "internal/schema", "internal/address", "internal/api", "internal/cli/command", "internal/cli/display", "internal/cli/fetch",
		"internal/cli/load", "internal/cli/trial", "internal/examine", "internal/module", "internal/preflight/envoy",
		"internal/signature", "internal/specedit", "internal/terminal", "pkg/spec", "pkg/translate",
	},
	"internal/cli/modules": {"internal/atomicfile", "internal/bundle", "internal/cli/command", "internal/cli/display", "internal/cli/fetch", "internal/cli/load", "internal/cli/trial", "internal/examine", "internal/module", "internal/persist", "internal/preflight/finding", "internal/preflight/rootid", "internal/preflight/static", "internal/reason", "internal/registry", "internal/state", "internal/terminal", "pkg/spec", "internal/regular", "pkg/source/dir", "internal/seal"},
	"internal/cli/envoy": {
		"internal/adopt", "internal/cli/adopting",
		"internal/address", "internal/api", "internal/apiclient", "internal/atomicfile", "internal/bootstrap", "internal/cli/command", "internal/cli/connect", "internal/cli/dev", "internal/cli/display", "internal/cli/fetch",
		"internal/cli/load", "internal/cli/serveflags", "internal/cli/trial", "internal/doctor", "internal/doctor/dial", "internal/envoyconfig", "internal/preflight/cause",
		"internal/reason", "internal/regular", "internal/terminal", "pkg/spec", "internal/delivery", "internal/eject", "internal/kit/recording", "internal/mask", "internal/examine", "internal/module", "internal/persist", "internal/seal", "internal/state", "pkg/snapshot", "pkg/translate",
	},
	"internal/cli": {
		"internal/cli/build", "internal/cli/command", "internal/cli/display", "internal/cli/envoy", "internal/cli/kit",
		"internal/cli/modules", "internal/cli/server", "internal/cli/specs",
	},

	// Helpers of tests, and the tests of the module test.
	"internal/test/bootstraps":    {},
	"internal/test/apitest":       {"internal/admin", "internal/api", "internal/events"},
	"internal/test/memledger":     {"internal/delivery/rollout", "internal/delivery/verdict", "internal/ledger", "pkg/snapshot"},
	"internal/test/pki":           {},
	"internal/test/spiffetest":    {"internal/test/pki"},
	"internal/test/program":       {},
	"internal/test/testfilter":    {"internal/wasmenc"},
	"internal/test/harness":       {"internal/test/program"},
	"internal/test/registrytest":  {"internal/test/program"},
	"internal/test/signaturetest": {"internal/test/registrytest"},
	"internal/test/sigstoretest":  {},
	"test/adopt":                  {},
	"test/browser":                {},
	"test/chaos":                  {"internal/test/harness", "internal/test/program", "internal/test/testfilter", "test/browser"},
	"test/chaos/cmd/chaos":        {"internal/test/harness", "test/chaos"},
	"test/depcheck":               {},
	"test/depcheck/cmd/rooms":     {"test/depcheck", "test/depcheck/rooms"},
	"test/depcheck/rooms":         {},
	"test/deploy":                 {},
	"test/docs":                   {},
	"test/monitoring":             {},
	"test/e2e":                    {},
	"test/envoyfacts":             {},
	"test/filtertests":            {},
	"test/packaging":              {"internal/cli"},
	"test/packaging/cmd/extras":   {"test/packaging"},
	"test/guides":                 {},
	"test/kit":                    {},
	"test/page":                   {},
	"test/preflight":              {},
	"test/preflight/corpus":       {"internal/preflight/envoy", "internal/wasmenc", "pkg/spec"},
	"test/etcd":                   {},
	"test/proof":                  {"internal/test/harness", "internal/test/testfilter"},
	"test/registry":               {},
	"test/simenvoy":               {},

	// The benchmarks.
	"test/bench/attack":      {"internal/record", "internal/test/harness", "internal/test/testfilter", "test/bench/proc", "test/bench/report", "test/bench/suite"},
	"test/bench/attacker":    {},
	"test/bench/boot":        {"internal/test/testfilter", "test/bench/proc", "test/bench/report", "test/bench/suite", "test/simenvoy"},
	"test/bench/fanout":      {"internal/test/testfilter", "test/bench/proc", "test/bench/report", "test/bench/suite", "test/simenvoy"},
	"test/bench/hotload":     {"internal/examine", "internal/preflight/sandbox", "internal/test/harness", "internal/test/program", "internal/test/testfilter", "pkg/spec", "test/bench/report", "test/bench/suite"},
	"test/bench/many":        {"internal/test/testfilter", "test/bench/proc", "test/bench/report", "test/bench/suite", "test/simenvoy"},
	"test/bench/modules":     {"internal/test/testfilter", "test/bench/proc", "test/bench/report", "test/bench/suite"},
	"test/bench/plainserver": {"pkg/snapshot", "pkg/spec", "pkg/translate"},
	"test/bench/proc":        {},
	"test/bench/profserve":   {"internal/cli"},
	"test/bench/health": {
		"internal/api", "internal/health", "internal/signal", "internal/test/harness", "internal/test/testfilter", "pkg/spec", "test/bench/report", "test/bench/suite",
	},
	"test/bench/push":       {"internal/test/testfilter", "test/bench/report", "test/bench/suite", "test/simenvoy"},
	"test/bench/innerloop":  {"internal/test/harness", "internal/test/program", "test/bench/report", "test/bench/suite"},
	"test/bench/registries": {"internal/test/harness", "internal/test/registrytest", "internal/test/testfilter", "test/bench/report", "test/bench/suite"},
	"test/bench/report":     {},
	"test/bench/soak":       {"internal/test/harness", "internal/test/testfilter", "test/bench/proc", "test/bench/report", "test/bench/suite", "test/simenvoy"},
	"test/bench/suite":      {"internal/test/harness", "internal/test/program", "test/bench/proc", "test/bench/report"},
	"test/bench/cmd/bench": {
		"internal/test/program", "test/bench/boot", "test/bench/fanout", "test/bench/hotload", "test/bench/many",
		"test/bench/health", "test/bench/innerloop", "test/bench/modules", "test/bench/push", "test/bench/registries", "test/bench/report", "test/bench/soak", "test/bench/suite",
	},
}

// testOnly lists modules for tests only. The root module's go.mod must not have them, so
// importers of pkg/ do not get them.
var testOnly = []string{
	"github.com/Shopify/toxiproxy", "github.com/distribution/distribution", "github.com/redis", "github.com/rs/zerolog",
	"github.com/sirupsen/logrus",
}

// forbidden lists external imports that a package and the packages below it must not have: I/O
// and, except in pkg/translate, xDS types. internal/delivery also has no locks and contexts.
var forbidden = map[string][]string{
	"internal/delivery":   {"os", "net", "net/http", "sync", "context", "google.golang.org", "github.com/envoyproxy"},
	"internal/preflight":  {"os", "net", "net/http", "github.com/envoyproxy"},
	"internal/admin":      {"github.com/prometheus", "github.com/envoyproxy"},
	"internal/api":        {"os", "net", "net/http", "sync", "github.com/prometheus", "google.golang.org", "github.com/envoyproxy"},
	"internal/control":    {"net/http", "github.com/prometheus", "github.com/envoyproxy"},
	"internal/examine":    {"os", "net", "net/http", "github.com/envoyproxy"},
	"pkg/spec":            {"net", "net/http", "os/exec", "google.golang.org", "github.com/envoyproxy"},
	"pkg/snapshot":        {"os", "net", "net/http", "google.golang.org", "github.com/envoyproxy"},
	"pkg/translate":       {"os", "net", "net/http"},
	"internal/checkqueue": {"os", "net", "net/http", "sync"},
	"internal/desired":    {"os", "net", "net/http", "sync", "context"},
	"internal/record":     {"os", "net", "net/http", "sync", "context"},
	"internal/findings":   {"os", "net", "net/http", "sync", "context"},
	"internal/tags":       {"os", "net", "net/http", "sync", "context"},
}
