package api

import "time"

// Limit is a limit that clients have reached, as GET /api/v1/limits lists.
type Limit struct {
	Name    string    `json:"name"` // names, names_per_stream, streams, streams_per_node, request_size, node_size, name_bytes, opens_per_connection, opens_per_host, new_names_per_host, request_memory, request_timeout, request_memory_per_host, connections, connections_per_host, idle_connections_per_host or handshake_timeout; later more
	Flag    string    `json:"flag"` // of serve
	Most    int       `json:"most"`
	Refused uint64    `json:"refused"` // how often it was reached, since the start
	Last    time.Time `json:"last"`    // time
	Node    string    `json:"node"`    // the last client's; "": not known
	Address string    `json:"address"`
}

// Visitor is a host that a port could not serve: the host spoke another protocol, its TLS handshake
// failed, or it asked for something other than filters.
type Visitor struct {
	Port string `json:"port"` // xds or modules
	// Speaks is tls, http1 or http2, the reason of a failed TLS handshake, or the resources that
	// the host asked for: lds, cds, rds, eds, sds, other_type, other_service or fetch. Later
	// versions may add more.
	Speaks  string    `json:"speaks"`
	Address string    `json:"address"` // of the last connection
	Count   uint64    `json:"count"`   // connections
	Last    time.Time `json:"last"`    // the last connection
	Message string    `json:"message"`
	Hint    string    `json:"hint"` // the setting to change
	Node    string    `json:"node"` // the node id of the last connection; "": not known
}
