// Package dial reaches a control plane and the module server as an Envoy with a given configuration
// would: at the same addresses, with the same files of TLS and the same node.
//
// The stream asks for no filter, so the control plane's rollouts and status do not notice. tls.go
// reads the transport socket of a cluster, target.go connects, xds.go opens the stream, modules.go
// asks the module server, and dial.go has the whole.
package dial
