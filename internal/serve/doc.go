// Package serve wires the parts into a server, and decides nothing.
//
// [Config] has all settings of a server, and [Run] serves until the context ends. Read config.go
// and serve.go first: run makes the parts in their order, with a function for each part in a
// separate file:
//
//   - files.go: the state directory with its lock, the module store and the checked signatures.
//   - certificates.go: the files for TLS, and their changes.
//   - listeners.go: the three ports. They open early: if an address is taken, the server touches
//     neither specs nor registries.
//   - certificates.go, tokens.go, exposure.go: the allowed clients. The files are followed.
//   - check.go: all that the start only reads, which `serve --check-config` reads, too.
//   - identities.go, access.go: which Envoy a client may be, and which modules the client gets.
//   - audit.go: the log of the changes through the API.
//   - replicas.go: the access to etcd, and to the decisions that several replicas share.
//   - fetching.go: the access to registries and other hosts of modules.
//   - source.go: the directory and the bundles as one source.
//   - webhooks.go, expiry.go: the notable events. traces.go: the spans of edits.
//   - sandbox.go: the trial of filters before they are served.
//   - servers.go: the goroutines that serve: the control, which owns the state, and the servers of
//     the API, the modules and xDS.
//   - supervision.go: the lines for systemd, and the reload at SIGHUP.
//
// # The end
//
// When the context ends, these goroutines end at the same time. The xDS server closes its streams
// at once, because an Envoy goes on with its filters. The API and the module server take no new
// request, and have three seconds for the running ones. The control writes its last state. When all
// of them have ended, the parts close in the opposite order of their making, and the state
// directory with its lock comes last. If the end takes longer than eight seconds, Run returns
// without waiting further.
package serve
