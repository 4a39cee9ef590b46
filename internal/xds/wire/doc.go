// Package wire reads and writes the bytes of discovery requests and responses, where protobuf would
// take most of a stream's time: thousands of responses share the bytes of a resource, and most
// requests only accept a response.
//
// Requests: [Incoming] takes the bytes of a request out of gRPC. [ReadSotW] and [ReadDelta] read
// the request without the names, and [Names] yields the names in place.
//
// Responses: a [Resource] has the bytes of a resource, marshalled once. [SotW] and [Delta] put a
// message together from the shared bytes of its resources and a short end of its own. [Outgoing]
// hands the message to gRPC.
//
// The package keeps no state, so all functions are safe for concurrent use. To read: field.go (the
// fields of protobuf messages), node.go (the part of a node that is read), request.go, resource.go,
// codec.go (gRPC's side).
package wire
