package delivery

// State is where a subscriber stands.
type State uint8

// The states of a subscriber.
const (
	Pending     State = iota // something is on its way, or waits for its turn
	Fetching                 // this Envoy fetches the module; what it ran before still serves
	Live                     // new requests and connections run the revision
	Rejected                 // this Envoy refused the newest revision it was sent
	Denied                   // the built-in deny serves: there is nothing else for this Envoy
	Unsupported              // this Envoy cannot run Wasm in the runtime; nothing is pushed
	Gone                     // its stream has ended
	numStates
)

// String is the state as the API has it.
func (s State) String() string {
	return [numStates]string{"pending", "fetching", "live", "rejected", "denied", "unsupported", "gone"}[s]
}

// Serving says what kind of thing a subscriber gets.
type Serving uint8

// What a subscriber gets.
const (
	ServingNothing Serving = iota
	ServingFilter
	ServingDeny
	ServingPassthrough
)

// String is filter, deny, passthrough, or "" for nothing.
func (s Serving) String() string { return [...]string{"", "filter", "deny", "passthrough"}[s] }
