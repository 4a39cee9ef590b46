// Package peer lets the replicas of one fleet ask each other.
//
// A replica asks for modules by their sha256 before it downloads them, for the Envoys of a filter,
// and how the others are. It also tells the others of the GETs of their Envoys: an Envoy may fetch
// a module from any replica, and the replica with the Envoy's stream waits for the GET.
//
// The questions go to the module server of a peer, over the mutual TLS of Envoys. A question needs
// the peer's key, which only the fleet's ledger has. A replica answers from what it has itself, and
// asks nobody for an answer: questions make no loops.
//
// The package trusts peers with numbers and names, and never with bytes: the reader of a module
// verifies its sha256.
//
// peer.go has the types, key.go the key of this replica, handler.go answers, merge.go joins
// answers, and queue.go has the GETs to tell of. fleet.go is the access to the others, ask.go has
// the questions, and gets.go tells of GETs.
package peer
