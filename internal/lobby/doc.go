// Package lobby bounds the connections of a port.
//
// A connection costs the server tens of kilobytes, of which Go never returns a part to the system.
// So a host may have a bounded number of idle connections, without a stream and without a request.
// Further connections wait in the lobby as bare file descriptors, in the order in which they came,
// and the server knows nothing of them. They come in when others begin to be used, so a crowd of
// Envoys behind an address is served in turn. If no other is used, the longest idle connection makes
// room. A connection that waits for too long is closed. So is each connection
// beyond the limits on all connections.
//
// Read limits.go, idle.go (the idle connections), counts.go (the decisions), descriptor.go (bare
// file descriptors), then lobby.go (the listener) and servers.go (the servers behind it).
package lobby
