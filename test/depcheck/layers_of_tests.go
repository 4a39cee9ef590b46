package depcheck

import "maps"

// Layers lists the layers of the packages. Every package of more than 600 lines has an entry, and
// smaller packages may have one. `go run -C test ./depcheck/cmd/rooms PACKAGE` proposes layers.
var Layers = joined(layersOfProduct, layersOfSpecs, layersOfCLI, layersOfReplicas, layersOfTests)

func joined(parts ...map[string]Ordered) map[string]Ordered {
	all := map[string]Ordered{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}

// layersOfTests lists the layers of the packages that only tests and benchmarks use.
var layersOfTests = map[string]Ordered{
	"internal/test/harness": {
		Layers: []string{
			"api doc",
			"binary dns do epoch loadclient ports process specs upstream",
			"bootstrap devrun envoy link load tools",
			"controlplane envoyadmin etcd hotrestart keyless",
		},
	},

	"internal/test/registrytest": {
		Layers: []string{
			"process token",
			"registrytest",
			"image",
		},
	},

	"test/bench/attacker": {Layers: []string{"attack windows", "h2", "slow streams", "main"}},
	"test/bench/hotload": {
		Layers: []string{
			"side",
			"check hotload listener",
			"latency preflight",
		},
	},

	"test/bench/report": {
		Layers: []string{
			"unit",
			"row",
			"goal text",
			"report",
			"data machine summary",
			"markdown",
		},
	},

	"test/chaos": {
		Layers: []string{
			"disk_linux disk_other doc files planted world",
			"clock judge listener step",
			"plan",
			"load",
			"fleet",
			"agree report",
			"metrics shown",
			"api page",
			"rig",
			"harm held rollback writespec",
			"steer",
			"change",
			"run",
		},
	},

	"test/preflight/corpus": {
		Layers: []string{
			"draft section",
			"broken imports limits",
			"cases",
			"corpus",
		},
	},

	"test/simenvoy": {
		Layers: []string{
			"doc mode node wire",
			"names remote",
			"stream",
			"envoy",
			"fleet",
		},
	},

	"test/depcheck/rooms": {
		Layers: []string{
			"rooms",
			"arrows layers search",
			"writes",
			"check load order",
		},
	},
}
