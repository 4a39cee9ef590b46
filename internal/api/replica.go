package api

import "time"

// Replica is a control plane of the fleet, as GET /api/v1/replicas lists it.
type Replica struct {
	Name    string    `json:"name"`
	URL     string    `json:"url"`     // how other replicas reach this one; "": no way
	Version string    `json:"version"` // of wasm-xds
	Since   time.Time `json:"since"`   // the start, by the replica's clock
	// Self says that this replica has answered the request.
	Self   bool `json:"self"`
	Leader bool `json:"leader"` // decides about rollouts for all replicas
	// Set is the version of the replica's snapshot. Replicas with equal specs have equal versions.
	Set string `json:"set"`
	// Envoys are those with a stream to the replica.
	Envoys int `json:"envoys"`
	// Reachable says whether the replica has answered the one that was asked. Error has the reason
	// if not, and the fields then are those that the ledger has.
	Reachable bool   `json:"reachable"`
	Error     *Error `json:"error"`
	// Degraded says the replica serves without its ledger, and why; null: it does not.
	Degraded *Error `json:"degraded"`
	// Waits are what does not go on for that reason, a sentence each.
	Waits []string `json:"waits"`
}
