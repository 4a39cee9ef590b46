// Package ledger has the decisions that several replicas share about one fleet.
//
// A replica is a control plane that shares its Envoys with others. The ledger is linearizable, and
// each replica hears of its changes late, in their order. A [Record] has the decisions about one
// filter. The leader alone writes records, and a write compares the leader's term and the record's
// last write: a leader that was paused, or that has lost its lease, writes nothing. Every replica
// carries out a record when the replica hears of it, and the leader does so, too.
//
// A [Note] names a node that may hold refused bytes. The ledger has the note before the bytes go
// out, so a replica that has never seen the node knows of them. A [Verdict] says whether a
// revision loads on an Envoy version. A [Presence] tells the leader about a replica's Envoys, in
// numbers.
//
// The package has the types and the interface [Ledger]. All values are immutable, and marshal to
// JSON. Without a ledger, a server decides alone.
package ledger
