// Package etcd keeps the ledger of several replicas in etcd.
//
// Leases, watches, transactions and the election are etcd's own, from the packages clientv3 and
// concurrency. This package says which keys there are (keys.go), how contents are written
// (codec.go), and which events follow from changed keys (mirror.go).
//
// [Ledger.Run] connects again for ever (run.go). Each connection (connection.go) has a session with
// a lease, reads all keys at a revision, and watches them from the next revision on. The events
// so come in etcd's order, whatever the number of lost connections: a connection compares what it
// reads with what the one before has told. Changes wait in a queue (queue.go) until they are in
// etcd (writer.go, batch.go), so a caller never waits, except for a [Ledger.Note].
//
// # Fences
//
// The oldest key of the election names the leader. The leader's changes are transactions that also
// compare this key, so a replica that was paused and has lost its lease cannot write. The note of a
// node that gets unproven bytes compares the record that names the node.
package etcd
