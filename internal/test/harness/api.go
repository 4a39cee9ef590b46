package harness

import (
	"slices"
	"time"
)

// The states of filters and subscribers in the API. The API may add more states.
const (
	Active   = "active"
	Rejected = "rejected" // a state of filters and of subscribers
	Removed  = "removed"
	Pending  = "pending"
	Fetching = "fetching"
	Live     = "live"
	Gone     = "gone"
)

// FilterStatus is a filter in the answer of GET /api/v1/filters/{name}. It has only the fields that
// the API promises.
type FilterStatus struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	Revision  string `json:"revision"`
	State     string `json:"state"`
	Condition string `json:"condition"`
	Envoys    struct {
		Live, Total int
	} `json:"envoys"`
	Disabled    bool         `json:"disabled"`
	Pinned      bool         `json:"pinned"`
	Error       *APIError    `json:"error"`
	Warnings    []APIError   `json:"warnings"`
	Module      ModuleStatus `json:"module"`
	SpecFile    string       `json:"specFile"`
	Candidate   string       `json:"candidate"`
	Rollout     *Rollout     `json:"rolloutStatus"`
	Subscribers []Subscriber `json:"subscribers"`
}

// Rollout is the progress of a filter's candidate.
type Rollout struct {
	Revision string `json:"revision"`
	State    string `json:"state"`
	Promoted bool   `json:"promoted"`
	Overdue  bool   `json:"overdue"`
	WaitsFor []Wait `json:"waitsFor"`
	Wave     int    `json:"wave"`
	Waves    []Wave `json:"waves"`
	Health   *Look  `json:"health"`
}

// Wave is a wave of a rollout.
type Wave struct {
	Name   string    `json:"name"`
	Envoys int       `json:"envoys"`
	Live   int       `json:"live"`
	State  string    `json:"state"`
	Since  time.Time `json:"since"`
}

// Look is a look at the health of a revision.
type Look struct {
	Outcome     string `json:"outcome"`
	Message     string `json:"message"`
	Comparisons []struct {
		Name    string  `json:"name"`
		Canary  float64 `json:"canary"`
		Outcome string  `json:"outcome"`
	} `json:"comparisons"`
}

// Wait is an Envoy for which a rollout waits.
type Wait struct {
	Node    string    `json:"node"`
	Envoy   string    `json:"envoy"`
	Reason  string    `json:"reason"`
	Message string    `json:"message"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
}

// WaitsFor reports whether the filter's rollout waits for this node with this reason.
func (f FilterStatus) WaitsFor(node, reason string) bool {
	return f.Rollout != nil && slices.ContainsFunc(f.Rollout.WaitsFor, func(w Wait) bool { return w.Node == node && w.Reason == reason })
}

// ModuleStatus identifies a filter's module.
type ModuleStatus struct {
	SHA256    string `json:"sha256"`
	Size      int64  `json:"size"`
	Reference string `json:"reference"`
	Digest    string `json:"digest"`
}

// Subscriber is a filter on a stream.
type Subscriber struct {
	Node     string     `json:"node"`
	Cluster  string     `json:"cluster"`
	Identity string     `json:"identity"`
	Address  string     `json:"address"`
	Stream   string     `json:"stream"`
	Envoy    string     `json:"envoy"`
	State    string     `json:"state"`
	Revision string     `json:"revision"`
	Variant  string     `json:"variant"`
	Error    *APIError  `json:"error"`
	Warnings []APIError `json:"warnings"`
	Since    time.Time  `json:"since"`
}

// APIError is a problem in the form of the API.
type APIError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
}

// CodeOrNone returns the error's code, or "" without an error.
func (e *APIError) CodeOrNone() string {
	if e == nil {
		return ""
	}
	return e.Code
}

// Here returns the subscribers with an open stream.
func (f FilterStatus) Here() []Subscriber {
	var open []Subscriber
	for _, s := range f.Subscribers {
		if s.State != Gone {
			open = append(open, s)
		}
	}
	return open
}

// LiveOn reports whether exactly n subscribers have an open stream and each of them runs the served
// revision.
func (f FilterStatus) LiveOn(n int) bool {
	open := f.Here()
	for _, s := range open {
		if s.State != Live || s.Revision != f.Revision {
			return false
		}
	}
	return len(open) == n
}

// LiveModule reports whether the module with this sha256 is served and live on exactly n
// subscribers.
func (f FilterStatus) LiveModule(sha256 string, n int) bool {
	return f.State == Active && f.Module.SHA256 == sha256 && f.LiveOn(n)
}
