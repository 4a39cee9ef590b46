package api

import "time"

// FilterState is the state of a filter as a whole.
type FilterState string

// The filter states. Later versions may add more: a client treats an unknown state as text.
const (
	FilterActive   FilterState = "active"   // Revision is served; Error has the reason if a newer revision is not
	FilterRejected FilterState = "rejected" // no revision can be served: Envoys get a stand-in
	FilterRemoved  FilterState = "removed"  // the spec is gone; OnRemove selects the content for Envoys
	FilterUnknown  FilterState = "unknown"  // an Envoy asks for a name without a spec: denied
	// FilterPreparing is a filter without a revision yet: the first module is being fetched or
	// tried.
	FilterPreparing FilterState = "preparing"
)

// Filter is a filter, as GET /api/v1/filters/{name} answers.
type Filter struct {
	Name     string      `json:"name"`
	Type     string      `json:"type"`     // http, network or service
	Revision string      `json:"revision"` // served now, 12 hex digits; "": no revision of its own
	State    FilterState `json:"state"`
	// Condition is the filter's health, and Envoys counts its Envoys; see [Filter.Summarize].
	Condition Condition `json:"condition"`
	Envoys    Envoys    `json:"envoys"`
	Disabled  bool      `json:"disabled"`
	Pinned    bool      `json:"pinned"`   // a user has pinned Revision: edits of the spec are not served
	Error     *Error    `json:"error"`    // null: nothing is wrong
	Warnings  []*Error  `json:"warnings"` // findings of the sandbox that refuse nothing
	Module    Module    `json:"module"`
	SpecFile  string    `json:"specFile"` // "": no spec
	Delivery  string    `json:"delivery"` // remote, inline or file; the server's default is filled in

	Stable    string   `json:"stable"`    // the last revision known to load; "": none yet
	Candidate string   `json:"candidate"` // the revision that is rolling out; "": none
	Rejected  []string `json:"rejected"`  // revisions that an Envoy refused, newest first
	Rollout   string   `json:"rollout"`   // the rollout's progress on one line, for people; "": none
	// RolloutStatus is the progress for machines; null: no rollout.
	RolloutStatus *RolloutStatus `json:"rolloutStatus"`

	Canaries []string `json:"canaries"` // streams that get Candidate first
	OnRemove string   `json:"onRemove"` // keep, passthrough or deny

	// IdleSince is the time since which no Envoy asks for a filter without a spec. ForgetAt is
	// the time at which the filter is forgotten. Absent: an Envoy asks, a spec has the name, or
	// the filter is kept for ever.
	IdleSince time.Time `json:"idleSince,omitzero"`
	ForgetAt  time.Time `json:"forgetAt,omitzero"`

	Subscribers []Subscriber `json:"subscribers"`
	// Incomplete are the replicas whose Envoys are missing in Envoys and Subscribers, because they
	// did not answer. Absent: none is missing.
	Incomplete []string `json:"incomplete,omitempty"`

	// Service is there for a filter of type service, and null for any other.
	Service *Service `json:"service"`
}

// Summarize sets the filter's Envoys and Condition from its other fields.
func (f *Filter) Summarize() {
	f.Envoys = countEnvoys(f.Subscribers)
	if f.Service != nil {
		f.Envoys = f.Service.count()
	}
	f.Condition = f.condition()
}

func countEnvoys(subscribers []Subscriber) Envoys {
	return CountEnvoys(subscribers, func(s *Subscriber) bool { return s.State == SubscriberLive })
}

func (f *Filter) condition() Condition {
	switch {
	case f.State == FilterRejected, f.State == FilterUnknown, f.Failure() != nil:
		return ConditionFailing
	case f.Envoys.Total == 0 && f.Service != nil && f.State != FilterPreparing && !f.isUnderWay():
		return ConditionNoEnvoy // a service is not remembered
	case f.Envoys.Total == 0 && (f.Envoys.Gone > 0 || f.Stable != ""):
		return ConditionEnvoysGone
	case f.Envoys.Total == 0 && f.State != FilterPreparing && !f.isUnderWay():
		return ConditionNoEnvoy
	case f.Envoys.Live < f.Envoys.Total, f.Candidate != "", f.State == FilterPreparing, f.isUnderWay():
		return ConditionProgressing
	default:
		return ConditionLive
	}
}

// isUnderWay says whether the newest revision is in the sandbox, or its module's download waits.
func (f *Filter) isUnderWay() bool {
	return f.Error != nil && (f.Error.Code == CodePreflightRunning || f.Error.Code == CodeDownloadWaits)
}

// Failure is the reason for which the filter's newest content is not served, or for which one of
// its Envoys cannot run the filter. nil: no failure. The filter's own Error is no failure during
// a run in the sandbox, a paused download or a rollback, and after the removal of the spec.
func (f *Filter) Failure() *Error {
	if e := f.Error; e != nil {
		switch e.Code {
		case CodePreflightRunning, CodeDownloadWaits, CodeRolledBack, CodeSpecRemoved:
		default:
			return e
		}
	}
	for i := range f.Subscribers {
		switch s := &f.Subscribers[i]; s.State {
		case SubscriberRejected, SubscriberDenied, SubscriberUnsupported:
			if s.Error != nil {
				return s.Error
			}
			return &Error{Code: "not_run", Message: "Envoy " + s.Node + " cannot run it: " + string(s.State)}
		default:
		}
	}
	return nil
}

// Forgotten is a filter that was dropped, as POST /api/v1/filters/{name}/forget answers.
type Forgotten struct {
	Name      string    `json:"name"`
	Revisions int       `json:"revisions"`          // dropped revisions
	IdleSince time.Time `json:"idleSince,omitzero"` // no Envoy has asked since
}
