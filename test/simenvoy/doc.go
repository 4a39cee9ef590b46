// Package simenvoy simulates Envoys that take their filters over ECDS: thousands
// of them in one process, each with a gRPC connection of its own, saying what a
// real Envoy says. TestLikeTheRealOne holds it against one.
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
// A simulated Envoy opens its stream with the node of a real one (extensions and
// build version, 61 KB), subscribes to its names one request after the other, answers
// each response with an ACK, or with a NACK where [Config.Judge] or the code that it
// cannot fetch says so, and comes back after a lost stream with
// initial_resource_versions (delta) or the last version_info (SotW).
//
// It is cheap: messages are read and written as bytes, a resource is looked at only as
// far as its name, and nothing of it is kept but its version.
//
// With [Config.Modules] it treats remote code as Envoy does with
// nack_on_code_cache_miss: what is not in its code cache is refused and fetched from
// the module server, with the URL that the resource gives; pushed again, it is
// accepted. What Envoy does besides (running modules, listeners, warming) is not
// simulated.
package simenvoy
