package delivery

// State is a subscriber's state.
type State uint8

// The states of a subscriber.
const (
	Pending     State = iota // a push is on the way, or waits for its turn
	Fetching                 // this Envoy fetches the module; the former revision still serves
	Live                     // new requests and connections run the revision
	Rejected                 // this Envoy refused the newest revision sent to it
	Denied                   // the built-in deny serves: there is nothing else for this Envoy
	Unsupported              // this Envoy cannot run Wasm in the runtime; nothing is pushed
	Gone                     // the stream has ended
	numStates
)

// String is the state as the API has it.
func (s State) String() string {
	return [numStates]string{"pending", "fetching", "live", "rejected", "denied", "unsupported", "gone"}[s]
}

// Serving is the kind of resource a subscriber gets.
type Serving uint8

// The kinds of resources.
const (
	ServingNothing Serving = iota
	ServingFilter
	ServingDeny
	ServingPassthrough
)

// String is filter, deny, passthrough, or "" for nothing.
func (s Serving) String() string { return [...]string{"", "filter", "deny", "passthrough"}[s] }
