package api

import "time"

// NodeState says whether an Envoy is connected.
type NodeState string

// The node states. Later versions may add more.
const (
	NodeConnected NodeState = "connected"
	NodeGone      NodeState = "gone" // the last stream has ended; Filters ran at that time
)

// Node is an Envoy's stream with its filters, or an Envoy that has gone.
type Node struct {
	ID      string `json:"id"`
	Cluster string `json:"cluster"`
	// Identity is as in [Subscriber].
	Identity string    `json:"identity"`
	Address  string    `json:"address"`
	Envoy    string    `json:"envoy"`
	Stream   string    `json:"stream"`
	Mode     string    `json:"mode"` // ads-delta, ads-sotw, ecds-delta or ecds-sotw
	State    NodeState `json:"state"`
	Since    time.Time `json:"since"` // the start of the stream, or the end of the last one
	// Runtimes are the Wasm runtimes that the Envoy lists. Absent: it lists no extensions.
	Runtimes []string     `json:"runtimes,omitempty"`
	Filters  []NodeFilter `json:"filters"`
	// Warnings are problems of this Envoy, independent of a filter.
	Warnings []*Error `json:"warnings"`
	// Reports says whether the Envoy reports its stats, as rollouts with health need it.
	Reports NodeReports `json:"reports"`
}

// NodeReports is the state of an Envoy's reports about itself.
type NodeReports struct {
	State ReportsState `json:"state"`
	At    *time.Time   `json:"at"` // of the last report; null: there is none
}

// ReportsState says whether an Envoy reports.
type ReportsState string

// The states of reports. A lost Envoy has sent no report for three intervals.
const (
	ReportsNever     ReportsState = "never"
	ReportsReporting ReportsState = "reporting"
	ReportsLost      ReportsState = "lost"
)

// NodeFilter is a filter on an Envoy.
type NodeFilter struct {
	Name     string          `json:"name"`
	State    SubscriberState `json:"state"`
	Revision string          `json:"revision"`
	Variant  string          `json:"variant"`
	Error    *Error          `json:"error"`
	Warnings []*Error        `json:"warnings"` // see [Subscriber.Warnings]
	// Since is when State was entered. Absent: the Envoy has gone.
	Since time.Time `json:"since,omitzero"`
}
