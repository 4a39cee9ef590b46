// Package depcheck enforces the layers: between packages by their imports, and inside large
// packages by the files that use each other. The model in the middle imports no xDS types, and
// pure packages do no I/O. docs/ARCHITECTURE.md describes the packages.
//
// Run the tests with -count=1, as `make test` does. The go command otherwise repeats an old result,
// because it does not notice changes of files outside the module of the tests.
package depcheck

// Ordered lists the layers of a package.
type Ordered struct {
	// Layers lists the layers from bottom to top. Each names its files without ".go", separated
	// by blanks. A file uses only files of lower layers: files of one layer do not use each other.
	Layers []string
	// Unordered says why the package is not in order yet. "" means the package is in order.
	// The layers and sizes of a package that is not in order are not checked.
	Unordered string
}

// layersOfProduct lists the layers of the packages of the product, except those in the other files.
var layersOfProduct = map[string]Ordered{
	"pkg/snapshot": {
		Layers: []string{
			"digits doc encoding minor variant",
			"refusal vm",
			"loss",
			"revision",
			"changes filter",
			"sum",
			"snapshot",
		},
	},

	"pkg/source/dir": {
		Layers: []string{
			"codes compare doc inbox names quiet system_linux system_other",
			"disk stamp",
			"tree watches",
			"claims decoding interest treecopy",
			"documents findings resolve settings",
			"bounds dirty",
			"events reader references",
			"root",
			"rescan",
			"view",
			"loop",
			"dir",
		},
	},

	"pkg/source/merge": {
		Layers: []string{
			"part",
			"unique",
			"merge",
			"follow",
			"source",
		},
	},

	"internal/admin": {
		Layers: []string{
			"caller complete doc paths query request schema serve state write",
			"audit endpoints events fleet guard lists page read sync",
			"access changes freeze openapi webhooktest",
			"filter",
			"handler",
		},
	},

	"internal/api": {
		Layers: []string{
			"doc error filterfigures index limit rollout signature snapshot user",
			"content certificate event identity module replica source subscriber tokens",
			"condition history node webhook",
			"service",
			"filter",
			"figures sync",
		},
	},

	"internal/trace":   {Layers: []string{"doc span", "edit", "recorder"}},
	"internal/webhook": {Layers: []string{"doc queue secret", "pending receiver", "webhooks", "test"}},
	"internal/builtin": {Layers: []string{"explain module", "revision", "identity", "builtin", "cache"}},
	"internal/bundle": {
		Layers: []string{
			"bundle",
			"fetch item unpack",
			"artifact references",
			"decode rewrite",
			"plan",
		},
	},

	"internal/regular":       {Layers: []string{"regular", "bounds"}},
	"internal/command":       {Layers: []string{"choice doc errors", "forget ledger retry rollback steer", "promote"}},
	"internal/kit/recording": {Layers: []string{"exchange", "config fields headers places segment", "masking streams tests"}},
	"internal/record":        {Layers: []string{"doc entry", "lines shards", "book diff text"}},
	"internal/gitcheckout":   {Layers: []string{"doc object owner", "pack", "repository", "checkout"}},
	"internal/control":       {Layers: []string{"collect doc inbox journal mend messages metrics served startup syncs", "config", "tracing restore sources workers", "replicas", "notices", "describe moves", "chronicle", "saves", "deliver", "control", "client commands streams", "orders", "api", "content health steering"}},
	"internal/desired":       {Layers: []string{"doc outcome rollbacks wishes broken held", "plan"}},
	"internal/door":          {Layers: []string{"claims limits visitors", "door"}},
	"internal/persist":       {Layers: []string{"delay doc schedule state", "barrier named text", "writer", "history"}},
	"internal/report":        {Layers: []string{"doc looks rollout", "view", "errors trials", "service subscriber", "content filter fleet outcome", "history sync totals"}},
	"internal/tags":          {Layers: []string{"naming", "tags"}},
	"internal/health":        {Layers: []string{"doc figures names peers", "answer compare points", "evidence show", "measure", "judge", "watch"}},
	"internal/signal":        {Layers: []string{"doc histogram limits name traps", "above figures point", "points report", "failures process", "envoy", "store"}},
	"internal/state":         {Layers: []string{"frame", "lock", "modes record", "state", "sealed", "open"}},
	"internal/track":         {Layers: []string{"config doc read", "check need work", "spec", "list tests", "track"}},
	"internal/delivery": {
		Layers: []string{
			"calm config doc frozen idle load nack node queueing replica reuse state timers trials version wish conduct",
			"fetch lists memory packed salts window",
			"peers problem",
			"belief foretold rare revisions status",
			"event report",
			"draft ledgeraction",
			"followed",
			"graph",
			"filters subscriber",
			"group response",
			"stopped",
			"canary filter stream",
			"holds",
			"fleetgroups",
			"filtermemory",
			"restore step unknown",
			"halts noting reporter",
			"choose fetches progress removed",
			"enrolment orders rollouts sender statuses",
			"leader notebook",
			"healthtrials steering",
			"answers specs",
			"follower subscriptions",
			"followerwiring",
			"machine",
			"reading running",
		},
	},

	"internal/delivery/rollout": {
		Layers: []string{
			"clock facts hold outcome wait",
			"absent stops suspects",
			"way",
			"rollout",
			"fleet hand needs",
			"advance picture",
		},
	},

	"internal/metrics": {Layers: []string{"bounds doc", "perfilter", "collector outcomes spans", "badfile certificates reports webhooks", "recorder", "replicas"}},
	"internal/module": {
		Layers: []string{
			"bounds credentials doc error httpclient httperror keyedlock sourcereader spare stamp transfer",
			"config manifest notes wasm",
			"check store", "peers",
			"download files pull",
			"images urls",
			"signatures",
			"resolver",
			"examine",
		},
	},

	"internal/moduleserver": {
		Layers: []string{
			"broken sendqueue_other transfer",
			"sendqueue_linux",
			"acknowledged",
			"moduleserver",
		},
	},

	"internal/registry": {
		Layers: []string{
			"reference words",
			"heard transport",
			"error",
			"helper",
			"credentials",
			"registry",
			"fetch",
		},
	},

	"internal/inflow": {
		Layers: []string{
			"doc frames hosts limits",
			"pool",
			"inflow",
		},
	},

	"internal/serve": {
		Layers: []string{
			"access config doc foreign hostname memory reload reports sandbox statedir supervision visitors",
			"appraise audit files fleet identities listeners refusals replicas tokens traces webhooks",
			"gets port",
			"certificateagent certificatefiles",
			"certificates",
			"expiry exposure fetching shown",
			"servers",
			"check source",
			"serve",
		},
	},

	"internal/source/bundled": {Layers: []string{"codes store", "selection", "reader"}},
	"internal/source/oci":     {Layers: []string{"config", "look", "oci"}},
	"internal/test/testfilter": {
		Layers: []string{
			"abi small",
			"builder",
			"faults",
			"hostile http network queue",
			"rootid",
		},
	},

	"internal/transfer": {Layers: []string{"body report", "gate"}},
	"internal/wasmenc":  {Layers: []string{"binary", "code", "text", "wasmenc"}},
	"internal/identity": {Layers: []string{"certificate", "pattern refusal", "rules", "decide"}},
	"internal/xds": {
		Layers: []string{
			"admission doc foreign identify limits loop names node pace pushes response service",
			"options queue stream",
			"reader",
			"reports",
			"delta sotw",
			"server",
		},
	},

	"internal/xds/resource": {Layers: []string{"cache code doc", "builder show"}},
	"internal/xds/subscription": {
		Layers: []string{
			"doc names recent",
			"list versioninfo",
			"delta sotw",
		},
	},

	"internal/xds/wire": {
		Layers: []string{
			"codec doc field",
			"node resource",
			"request",
		},
	},
}
