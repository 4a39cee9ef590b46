package api

import "time"

// SubscriberState is the state of a filter on an Envoy's stream.
type SubscriberState string

// The subscriber states. Later versions may add more.
const (
	SubscriberPending  SubscriberState = "pending"  // pushed or about to be, no ACK yet
	SubscriberFetching SubscriberState = "fetching" // Envoy is getting the module
	SubscriberLive     SubscriberState = "live"     // new requests run Revision
	SubscriberRejected SubscriberState = "rejected" // Envoy refused; Error has the reason
	SubscriberDenied   SubscriberState = "denied"   // requests are denied, by the spec or for lack of a spec
	// SubscriberUnsupported is an Envoy without the runtime: nothing is sent to this Envoy.
	SubscriberUnsupported SubscriberState = "unsupported"
	SubscriberGone        SubscriberState = "gone" // the stream has ended
)

// Subscriber is a filter on an Envoy's stream.
type Subscriber struct {
	Node     string          `json:"node"`
	Cluster  string          `json:"cluster"`
	Identity string          `json:"identity"` // the SAN of the client's certificate that --node-identity went by; "": not identified
	Address  string          `json:"address"`  // the stream's peer
	Stream   string          `json:"stream"`   // unique while the server runs; of another replica: its name, a slash and the stream
	Envoy    string          `json:"envoy"`    // version, 1.40.0; "": unknown
	State    SubscriberState `json:"state"`
	Revision string          `json:"revision"` // runs there, as far as Envoy has answered; "": nothing yet
	Variant  string          `json:"variant"`  // remote, inline, file, passthrough or deny; "": nothing yet
	Error    *Error          `json:"error"`
	// Warnings are settings of Revision that have no effect on this Envoy, because the Envoy is too
	// old for them. The spec accepts these losses.
	Warnings []*Error  `json:"warnings"`
	Since    time.Time `json:"since"` // the time at which State was entered
	// Replica is the replica with the stream. Absent: the fleet has one server.
	Replica string `json:"replica,omitempty"`
}

// Warns says whether the subscriber's Error is a warning: the subscriber is live all the same.
func (s *Subscriber) Warns() bool {
	return s.Error != nil && s.State == SubscriberLive && (s.Error.Code == CodeModuleNotFetched || s.Error.Code == CodeModuleFileUnreadable)
}
