package depcheck

// layersOfCLI lists the layers of the packages of the command line.
var layersOfCLI = map[string]Ordered{
	"internal/cli/adopting": {
		Layers: []string{
			"options read",
			"validate",
			"summary",
			"write",
			"adopting",
		},
	},

	"internal/cli":            {Layers: []string{"version", "cli"}},
	"internal/cli/command":    {Layers: []string{"address bytesize error filemode", "args env", "flags"}},
	"internal/cli/connect":    {Layers: []string{"server", "contexts", "connect"}},
	"internal/cli/dev":        {Layers: []string{"checks child_linux child_other find log path request upstream writer", "process report", "project tries wiring", "follow own", "dev"}},
	"internal/cli/envoy":      {Layers: []string{"doctor_flags doctor_print eject_flags eject_write flags services tls", "adopt bootstrap dev doctor_status explain", "doctor_running eject_sources", "doctor eject record_finish tap", "record", "commands"}},
	"internal/cli/fetch":      {Layers: []string{"etcd hostenv reference registries roots transfer trust", "bundle flags"}},
	"internal/cli/load":       {Layers: []string{"resolve", "documents", "sources"}},
	"internal/cli/modules":    {Layers: []string{"artifact file list_registry push_plan", "push_target", "inspect list login logout pull push", "commands"}},
	"internal/cli/serveflags": {Layers: []string{"check log run", "flags", "outbound replica"}},
	"internal/apiclient":      {Layers: []string{"target", "http", "events", "client"}},

	"internal/cli/server": {
		Layers: []string{
			"checkconfig complete context question specdir status_look systemd",
			"change status_envoys status_replicas status_wait status_watch",
			"add forget freeze history retry rm rollback rollout serve status unpin wait webhook",
			"commands",
		},
	},

	"internal/cli/specs": {Layers: []string{"check_profile", "check convert lock render schema verify_result", "verify_text", "verify", "commands"}},
	"internal/cli/kit":   {Layers: []string{"build choices test", "ask", "init", "commands"}},
	"internal/cli/trial": {Layers: []string{"filter", "outcome profile profiletext", "coverage json junit", "text", "print"}},
	"internal/cli/view":  {Layers: []string{"certificates identity webhooks", "attention error limits view words", "changes history nodes problems replicas", "diff story", "filter filters"}},
}
