package harness

import (
	"slices"
	"time"
)

// Filter states and subscriber states of the API. More may come.
const (
	Active   = "active"
	Rejected = "rejected" // of filters and of subscribers
	Removed  = "removed"
	Pending  = "pending"
	Fetching = "fetching"
	Live     = "live"
	Gone     = "gone"
)

// FilterStatus is a filter as GET /api/v1/filters/{name} answers it: what the
// API promises, not all that it tells.
type FilterStatus struct {
	Name        string       `json:"name"`
	Type        string       `json:"type"`
	Revision    string       `json:"revision"`
	State       string       `json:"state"`
	Disabled    bool         `json:"disabled"`
	Error       *APIError    `json:"error"`
	Warnings    []APIError   `json:"warnings"`
	Module      ModuleStatus `json:"module"`
	SpecFile    string       `json:"specFile"`
	Candidate   string       `json:"candidate"`
	Rollout     *Rollout     `json:"rolloutStatus"`
	Subscribers []Subscriber `json:"subscribers"`
}

// Rollout is how far a filter's candidate is.
type Rollout struct {
	Revision string `json:"revision"`
	State    string `json:"state"`
	Promoted bool   `json:"promoted"`
	WaitsFor []Wait `json:"waitsFor"`
}

// Wait is an Envoy that a rollout waits for.
type Wait struct {
	Node    string    `json:"node"`
	Envoy   string    `json:"envoy"`
	Reason  string    `json:"reason"`
	Message string    `json:"message"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
}

// WaitsFor says whether the filter's rollout waits for that node, for that reason.
func (f FilterStatus) WaitsFor(node, reason string) bool {
	return f.Rollout != nil && slices.ContainsFunc(f.Rollout.WaitsFor, func(w Wait) bool { return w.Node == node && w.Reason == reason })
}

// ModuleStatus names a filter's module.
type ModuleStatus struct {
	SHA256    string `json:"sha256"`
	Size      int64  `json:"size"`
	Reference string `json:"reference"`
	Digest    string `json:"digest"`
}

// Subscriber is one filter on one Envoy's stream.
type Subscriber struct {
	Node     string    `json:"node"`
	Cluster  string    `json:"cluster"`
	Address  string    `json:"address"`
	Stream   string    `json:"stream"`
	Envoy    string    `json:"envoy"`
	State    string    `json:"state"`
	Revision string    `json:"revision"`
	Variant  string    `json:"variant"`
	Error    *APIError `json:"error"`
	Since    time.Time `json:"since"`
}

// APIError is a problem as the API tells it.
type APIError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
}

// CodeOrNone is the error's code, "" where there is no error.
func (e *APIError) CodeOrNone() string {
	if e == nil {
		return ""
	}
	return e.Code
}

// Here are the subscribers whose stream is open.
func (f FilterStatus) Here() []Subscriber {
	var open []Subscriber
	for _, s := range f.Subscribers {
		if s.State != Gone {
			open = append(open, s)
		}
	}
	return open
}

// LiveOn says whether exactly n subscribers have an open stream and each of them
// runs the served revision.
func (f FilterStatus) LiveOn(n int) bool {
	open := f.Here()
	for _, s := range open {
		if s.State != Live || s.Revision != f.Revision {
			return false
		}
	}
	return len(open) == n
}

// LiveModule says whether the module of those bytes is served, and live on
// exactly n subscribers.
func (f FilterStatus) LiveModule(sha256 string, n int) bool {
	return f.State == Active && f.Module.SHA256 == sha256 && f.LiveOn(n)
}
