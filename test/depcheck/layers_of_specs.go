package depcheck

// layersOfSpecs lists the layers of the packages that read specs, modules and the configuration of
// an Envoy.
var layersOfSpecs = map[string]Ordered{
	"internal/doctor": {Layers: []string{"doc options patch", "exam", "sources", "clusters filters stats", "boot names services", "checks", "doctor running"}},
	"internal/adopt": {
		Layers: []string{
			"doc options report",
			"specfile",
			"chains plugin",
			"maker",
			"describe insert static stats",
			"connect",
			"plan",
		},
	},

	"internal/envoyedit": {
		Layers: []string{
			"doc place style",
			"patch",
			"verify",
		},
	},

	"internal/envoyconfig": {
		Layers: []string{
			"doc node",
			"access edit extent finding json surrogate",
			"any parse source",
			"cluster",
			"chain",
			"config",
			"stats",
			"dump",
		},
	},

	"internal/schema": {Layers: []string{"common doc generate", "rollout tests", "document"}},
	"pkg/spec": {
		Layers: []string{
			"bounds codes doc error format httpurl mend predicate nearest scalar selector setting structvalue text",
			"configtype health name node reference source tests",
			"envoyvalue number problems scan rollout",
			"spec",
			"decoder jsonwriter notices parse tree",
			"readfile readlimits readmessage readrules readselector readsettings service written",
			"readqueues",
			"readexpect readprometheus readverify typedconfig",
			"readhealth",
			"readrollout",
			"readconfig readmodule readtests",
			"foreigntree nativewriter readvm",
			"foreign foreignenvoyvm",
			"foreigngateway foreignistio foreignplugin foreignwasme",
			"foreignenvoy",
			"foreignbootstrap",
			"foreignenvoyfilter",
			"foreignkinds",
			"document entries foreignlist kubernetes",
			"foreigndocument",
			"decode envoyfilter",
			"convert",
		},
	},

	"pkg/translate": {
		Layers: []string{
			"code doc pack version",
			"capabilities vm",
			"translate",
			"service template",
		},
	},

	"internal/bootstrap": {Layers: []string{"service tls", "options", "servers", "view", "bootstrap sds", "parts"}},
	"internal/preflight/host": {
		Layers: []string{
			"actions config doc link message progress propertytypes result targets",
			"answers budget event log misses",
			"half memory pairs",
			"exchange",
			"attributes contexts messageproperties",
			"basics buffers calls flow foreign headers metrics properties queues shared wasi",
			"registry",
			"instance",
			"dispatch open start",
			"connection stream",
			"vm",
		},
	},

	"internal/examine":           {Layers: []string{"doc errors hostenv secrets", "result", "examine", "findings"}},
	"internal/preflight":         {Layers: []string{"smoke", "check"}},
	"internal/preflight/engine":  {Layers: []string{"compile depth doc engine memory_other memory_unix", "memory"}},
	"internal/preflight/envoy":   {Layers: []string{"doc versions", "functions", "callbacks", "capabilities"}},
	"internal/preflight/finding": {Layers: []string{"codes doc text", "problem", "list"}},
	"internal/preflight/profile": {Layers: []string{"doc profiler result", "limits profile"}},
	"internal/preflight/rootid":  {Layers: []string{"doc trace words", "prober", "rootid"}},
	"internal/preflight/runner":  {Layers: []string{"diff doc result words", "compare coverage", "http junit runner"}},
	"internal/preflight/sandbox": {Layers: []string{"code doc", "cache spares", "modules", "request vm", "candidate", "prepare", "repeat run", "load"}},
	"internal/preflight/static":  {Layers: []string{"capabilities checker doc language parse signature", "abi exports imports memory", "check", "describe"}},
	"internal/preflight/traffic": {Layers: []string{"doc message plain", "calls", "sender"}},
	"internal/preflight/wasmbin": {Layers: []string{"doc module reader", "names skip", "parse", "data ownmemory"}},
	"internal/preflight/cause":   {Layers: []string{"advice doc literals symptom", "panic row", "table_fetch table_imports", "table", "lookup", "explain markdown with"}},
	"internal/signature":         {Layers: []string{"content error found statement", "key root", "identity", "policy", "keyless", "bundle", "older checked", "image signature"}},
}
