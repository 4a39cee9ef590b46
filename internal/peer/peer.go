package peer

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// root is the beginning of the paths of questions.
const root = "/peer/v1/"

// patience is how long a question to a peer may take. A module takes as long as its transfer, which
// must not stall.
const patience = 2 * time.Second

// Peer is another replica of the fleet.
type Peer struct {
	Name string
	// URL is the URL of the peer's module server, without a slash at the end. "": nobody can ask
	// the peer.
	URL     string
	Version string    // of wasm-xds; "": unknown
	Since   time.Time // the start, by the peer's clock; zero: unknown
	Leader  bool
	Set     string // the version of the peer's snapshot; "": unknown
	Key     string // for questions to the peer; "": the peer answers none
}

// Standing is what this replica knows of its own place in the fleet.
type Standing struct {
	Leads bool
	// Degraded says why the ledger does not answer; "": it answers. Since is the beginning.
	Degraded string
	Since    time.Time
	// Waits are what does not go on meanwhile, a sentence each. nil: nothing waits.
	Waits []string
}

// Ledger is what a replica knows of the fleet. Any goroutine may call the methods, and they do not
// wait.
type Ledger interface {
	// Peers returns the other replicas, sorted by name.
	Peers() []Peer
	Standing() Standing
}

// Own is what this replica answers from. Any goroutine may call the methods.
type Own interface {
	Filter(name string) (api.Filter, bool)
	Filters() []api.Filter
	// Replica describes this replica.
	Replica() api.Replica
	// Took takes the GETs of this replica's Envoys that a peer has answered.
	Took([]Get)
}

// Get is a step of a GET of a module.
type Get struct {
	Token  string `json:"token"`
	Client string `json:"client,omitempty"` // the key of the client's certificate; "": not identified
	// Ended says the GET has ended, and otherwise it has begun. Complete says the whole
	// module was sent, and Taken that the Envoy has closed the connection since.
	Ended    bool `json:"ended,omitempty"`
	Complete bool `json:"complete,omitempty"`
	Taken    bool `json:"taken,omitempty"`
}
