// Package xds speaks ECDS with Envoys, in SotW and in delta, on ADS and on ECDS streams. It turns
// requests into delivery's events, and delivery's sends into responses. It decides nothing about
// revisions.
//
// # The seam to go-control-plane
//
// A stream has a go-control-plane server of its own, over one value that is both sides of that
// server: its ConfigWatcher (CreateWatch, CreateDeltaWatch) and its Stream (Recv, Send). The
// value is a [sotwStream] or a [deltaStream]. go-control-plane has the loop of a stream: it reads
// requests in a goroutine, requires or fills in their type, drops SotW requests with a stale nonce,
// takes responses out of the watch, numbers them with nonces, and is the only writer to gRPC. It
// gets no names, nodes and resources. Those are most of the bytes, and the stream keeps them in a
// smaller form. See docs/RATIONALE.md#which-part-of-a-stream-is-go-control-planes.
//
// # The life of a stream
//
// The handler of a gRPC method (service.go) calls [Server.serve], which gives the stream an id,
// counts it, and runs go-control-plane's server until the stream ends. The first request for
// extension configs announces the stream to delivery (StreamOpened). The stream ends with the
// client's connection, with the process, or because a request exceeded a limit ([stream.refuse]).
// Delivery hears of the end (StreamClosed) if it heard of the beginning.
//
// # A request
//
//	gRPC -> sotwReader.next: decode, describe the node, find the list of names
//	     -> go-control-plane's loop: type, nonce
//	     -> sotwStream.CreateWatch: the answer to a response, the changes of the subscription
//	     -> Handler.Handle(delivery.Requested)
//
// # A response
//
//	Server.Send: build the resources, or take them from the cache
//	     -> sotwStream.deliver -> queue: wait until the client has asked
//	     -> watch (go-control-plane's channel) -> its loop: the nonce
//	     -> sotwStream.Send: version_info, the message -> gRPC
//
// The response itself passes through the channel. go-control-plane asks the response for a
// DiscoveryResponse, writes the nonce into it, and hands it to Send. That message is the nonce's
// carrier: the bytes of the resources, which all streams share, cannot be in it without a copy for
// each stream.
//
// # Goroutines and locks
//
//   - go-control-plane's loop, the goroutine of the gRPC handler, calls all methods of a stream
//     except the following ones. It owns the subscription, the unanswered responses and the node.
//   - go-control-plane's reading goroutine calls Recv, and owns the reader. A request that it has
//     read belongs to the loop until the next but one is read.
//   - Any goroutine may call [Server.Send], [Server.Prepare] and [Server.End]. The goroutine that
//     owns the control plane's state does, so they never block: responses go into the stream's
//     queue, and builds run in goroutines of their own.
//   - Handler.Handle may block: it holds up the loop of one stream.
//
// A queue has a lock, and so has the cause of a stream's end. No lock is held over two streams,
// except the short ones of the counts and of the lists that streams share.
//
// # Order of reading
//
// The packages below: wire (bytes of messages), subscription (names and accepted versions), resource
// (builds resources). Here: limits.go, admission.go, node.go, response.go, queue.go, pushes.go and
// options.go stand alone. stream.go has the part of a stream that both protocols have, reader.go
// reads requests, sotw.go and delta.go are the two protocols, service.go the gRPC methods, and
// server.go the whole.
package xds
