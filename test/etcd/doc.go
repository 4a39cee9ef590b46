// Package etcd has the tests on a real etcd, Debian's etcd-server: the client, and the ledger of
// several replicas. Each test starts the members that it stops, pauses or restores.
package etcd
