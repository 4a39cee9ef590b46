// Package inflow bounds the input of the HTTP/2 connections of xDS: the streams that clients open
// in a second, and the bytes of requests that the server has not taken yet.
//
// gRPC alone bounds the open streams of a connection and the size of a request. A client that opens
// streams and resets them at once (CVE-2023-44487) stays below both, and so do many clients that
// send large requests and never finish them.
//
// A connection that opens streams too fast is read more slowly, so TCP holds its client back, and
// its streams lose nothing. If all connections together hold too many bytes, the connection with
// the most bytes is closed, of the host with the most bytes.
//
// frames.go counts the frames of a connection, pool.go has the counts of all connections and
// decides which connection goes, hosts.go has the rates of hosts, and inflow.go has the
// connections.
package inflow
