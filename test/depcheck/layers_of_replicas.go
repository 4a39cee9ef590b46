package depcheck

// layersOfReplicas lists the layers of the packages for several replicas.
var layersOfReplicas = map[string]Ordered{
	"internal/etcdclient":  {Layers: []string{"doc endpoints watch", "config files", "tls", "access", "problem"}},
	"internal/etcdspecs":   {Layers: []string{"place", "problem", "format", "read", "push"}},
	"internal/source/etcd": {Layers: []string{"config watch", "look", "etcd"}},
	"internal/peer":        {Layers: []string{"doc key merge peer", "handler queue", "fleet", "ask gets"}},
	"internal/ledger/etcd": {
		Layers: []string{
			"batch codec doc keys ordered told",
			"mirror queue",
			"shared sweep",
			"changes",
			"leading",
			"writer",
			"connection",
			"ledger",
		},
	},
}
