// Package etcdclient connects to etcd as the --etcd flags say.
//
// [Config] has the flags. [Open] reads the files that the flags name, without a connection.
// [Access.Connect] makes a client of etcd's own library. The files of TLS are read again for each
// new connection, and the password for each new client, so rotated files need no restart. A file
// that cannot be read later leaves the last good content in use. [Problem] turns an error of etcd
// into words with a next step. No error and no log has a secret.
//
// Read config.go (the flags), endpoints.go (their addresses), files.go (the files), tls.go (the
// handshakes), access.go (the clients), problem.go (the words).
// [Watch], in watch.go, watches without a wait for etcd.
package etcdclient
