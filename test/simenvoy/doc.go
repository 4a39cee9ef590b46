// Package simenvoy simulates Envoys that take their filters over ECDS. One process runs thousands
// of Envoys. Each has a gRPC connection of its own and sends the requests of a real Envoy.
// TestLikeTheRealOne compares a simulated Envoy with a real Envoy.
//
//	fleet, err := simenvoy.StartFleet(ctx, 1000, func(i int) simenvoy.Config {
//		return simenvoy.Config{
//			Address: "127.0.0.1:18000",
//			Node:    simenvoy.NewNode(fmt.Sprintf("edge-%d", i), "edge"),
//			Names:   names, // one simenvoy.NewNames for all
//			Updated: func(u simenvoy.Update) { … },
//		}
//	})
//	defer fleet.Close()
//
// A simulated Envoy opens a stream with the node of a real Envoy (extensions and build version,
// 61 KB). The Envoy subscribes to the names in separate requests and answers each response. A
// NACK follows if [Config.Judge] refuses a resource or if remote code is not cached; otherwise an
// ACK follows. After a lost stream the Envoy reconnects with initial_resource_versions (delta) or
// the last version_info (SotW).
//
// Simulated Envoys are cheap. They read and write messages as bytes, parse a resource only up to
// the name, and keep only the resource's version.
//
// With [Config.Modules] a simulated Envoy treats remote code as Envoy does with
// nack_on_code_cache_miss. The Envoy refuses code that is not in the code cache and downloads the
// module from the module server with the resource's URL. When the server pushes the code again,
// the Envoy accepts the resource. The package does not simulate running modules, listeners or
// warming.
package simenvoy
