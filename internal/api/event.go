package api

import "time"

// EventType is the kind of a change.
type EventType string

// The event types. Later versions may add more.
const (
	EventFilter   EventType = "filter" // Name is the filter's
	EventNode     EventType = "node"   // Name is the node's id
	EventSource   EventType = "source"
	EventSnapshot EventType = "snapshot" // Name is the new version
	EventReset    EventType = "reset"    // missed events are unknown: read all state again
)

// Event is a change, with the new state in short. The object of the event has the details.
type Event struct {
	ID   string    `json:"id,omitempty"` // for Last-Event-ID; "": the event is not kept
	Type EventType `json:"type"`
	Name string    `json:"name"`
	// State is the new state of the filter, the node or the source; "": see the object itself.
	State string `json:"state,omitempty"`
	// Revision is the served revision of a filter, and Candidate its revision that is rolling
	// out. Error is the code of the filter's error. "": none.
	Revision  string    `json:"revision,omitempty"`
	Candidate string    `json:"candidate,omitempty"`
	Error     string    `json:"error,omitempty"`
	Time      time.Time `json:"time"`
}
