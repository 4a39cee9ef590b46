// Package inflow bounds the input of the HTTP/2 connections of xDS: the new streams of clients in a
// second, and the bytes of requests before the server takes them.
//
// gRPC alone bounds the open streams of a connection and the size of a request. A client that opens
// streams and resets them at once (CVE-2023-44487) stays below both, and so do many clients with
// large requests that never end.
//
// The server reads a connection with too many new streams more slowly, so TCP holds the client
// back, and the streams lose nothing. If all connections together hold too many bytes, the
// connection with the most bytes is closed, of the host with the most bytes. A host whose
// connections are closed may open fewer streams for a while.
//
// limits.go has the limits, frames.go counts the frames of a connection, pool.go has the counts of
// all connections and decides which connection goes, hosts.go has the rates of hosts, and inflow.go
// has the connections.
package inflow
