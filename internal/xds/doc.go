// Package xds speaks ECDS with Envoys, in SotW and in delta, on ADS and on ECDS streams. The
// package turns requests into delivery's events, and delivery's sends into responses. Delivery
// decides which revision goes where.
//
// # The seam to go-control-plane
//
// Each stream has a go-control-plane server of its own. A [sotwStream] or a [deltaStream] is both
// sides of its server: the ConfigWatcher (CreateWatch, CreateDeltaWatch) and the Stream (Recv,
// Send). go-control-plane has the loop of a stream. The loop reads requests in a goroutine,
// requires or fills in their type, drops SotW requests with a stale nonce, takes responses out of
// the watch, numbers them with nonces, and alone writes to gRPC. The loop gets no names, nodes and
// resources. Those are most of the bytes, and the stream keeps them in a smaller form.
// See docs/RATIONALE.md#which-part-of-a-stream-is-go-control-planes.
//
// # The life of a stream
//
// The handler of a gRPC method (service.go) calls [Server.serve], which gives the stream an id,
// counts the stream, and runs go-control-plane's server until the stream ends. The first request
// for extension configs announces the stream to delivery (StreamOpened). The stream ends with the
// client's connection, with the process, or because a request exceeded a limit ([stream.refuse]).
// Delivery hears of the end (StreamClosed) if delivery heard of the beginning.
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
//	     -> watch (go-control-plane's channel) -> go-control-plane's loop: the nonce
//	     -> sotwStream.Send: version_info, the message -> gRPC
//
// The response itself passes through the channel. The loop asks the response for a
// DiscoveryResponse, writes the nonce into the message, and hands the message to Send. The message
// carries nothing but the nonce: with the resources in the message, each stream would need a copy
// of them.
//
// # Reports
//
// Envoys also report about themselves: their stats to the metrics service, and the requests that
// failed because of a trapped module to the access log service (reports.go). A stream of reports
// has the same limits and the same rules about clients as a stream of filters, and never touches
// delivery: the handler puts the figures into a [signal.Store].
//
// # Goroutines and locks
//
//   - go-control-plane's loop, in the goroutine of the gRPC handler, calls all methods of a stream
//     except the following. The loop owns the subscription, the unanswered responses and the node.
//   - go-control-plane's reading goroutine calls Recv, and owns the reader. A request belongs to
//     the loop until the reading goroutine has read the next request and begins another.
//   - Any goroutine may call [Server.Send], [Server.Prepare] and [Server.End]. The goroutine that
//     owns the control plane's state does, so they never block: responses go into the stream's
//     queue, and builds run in goroutines of their own.
//   - Handler.Handle may block, and then holds up the loop of a single stream.
//   - [Server.Recheck] runs after the rules about clients have changed, and may block like Handle.
//
// A queue has a lock, and the cause of a stream's end has a lock. The locks that streams share
// guard counts and lists, and no goroutine holds them while it waits.
//
// # Order of reading
//
// First the packages below: wire (bytes of messages), subscription (names and accepted versions),
// resource (builds resources). Here, limits.go, admission.go, pace.go, foreign.go, identify.go,
// node.go, response.go, queue.go, pushes.go and options.go stand alone. stream.go has the part of a
// stream for both protocols, reader.go reads requests, reports.go takes reports, sotw.go and
// delta.go are the two protocols, service.go has the gRPC methods, and server.go the whole.
package xds
