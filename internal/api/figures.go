package api

// Counts are the numbers of filters and subscribers in each state.
type Counts struct {
	Filters     map[FilterState]int
	WithError   int // filters with newer content than is served
	Subscribers map[SubscriberState]int
	// PerFilter has the filters, sorted by name.
	PerFilter []FilterCounts
	Envoys    int // with a stream
	// WithoutModules is the number of Envoys that send no GET for a module.
	WithoutModules int
	// Rollouts are the rollouts under way, and Overdue the number of those past their deadline.
	Rollouts map[RolloutState]int
	Overdue  int
	Frozen   bool // a user has frozen the server
	// FromState: the server serves the state of an earlier process, and has not read the specs yet.
	FromState bool
}

// FilterCounts are the metrics of a filter.
type FilterCounts struct {
	Name        string
	State       FilterState
	WithError   bool
	Subscribers map[SubscriberState]int
}

// NackKind classifies an Envoy's NACK for the metrics.
type NackKind string

// The kinds of NACK.
const (
	// NackNotCached is the first half of a hitless remote update: the old revision serves on
	// while Envoy fetches the module. Nothing is wrong.
	NackNotCached NackKind = "not_cached"
	NackRejected  NackKind = "rejected" // Envoy cannot run the revision
	NackType      NackKind = "type"     // Envoy expects a filter of another type
	NackShared    NackKind = "shared"   // of a response with several resources: the cause is unknown, and each is sent again alone
	NackOther     NackKind = "other"
)
