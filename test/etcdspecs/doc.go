// Package etcdspecs has the tests of specs in a real etcd: the push, and the source that watches.
package etcdspecs
