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

// The event types of rollouts. Name is the filter's, and Candidate is the revision. The freeze of
// the server has no name.
const (
	EventWavePassed EventType = "wave_passed"       // the next wave begins
	EventSoaked     EventType = "soaked"            // the soak of a wave is over
	EventWaits      EventType = "waits_for_promote" // the wave waits for a user, because of the spec's `pause`
	EventPromoted   EventType = "promoted"          // the revision goes to all Envoys
	EventWatched    EventType = "watched"           // the watch after the promotion is over
	EventStopped    EventType = "stopped"           // an Envoy refused the revision, or Envoys were lost with it
	EventWentBack   EventType = "went_back"         // the Envoys with the revision go back to the stable revision
	EventDeadline   EventType = "deadline_passed"   // a wave is overdue
	EventPaused     EventType = "paused"
	EventResumed    EventType = "resumed"
	EventFrozen     EventType = "frozen"
	EventThawed     EventType = "thawed"
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
	Revision  string `json:"revision,omitempty"`
	Candidate string `json:"candidate,omitempty"`
	Error     string `json:"error,omitempty"`
	// Wave is the name of the wave of a rollout's event, as canary, 10% or all. By is the user, and
	// Message says more, for people. "": none.
	Wave    string    `json:"wave,omitempty"`
	By      string    `json:"by,omitempty"`
	Message string    `json:"message,omitempty"`
	Time    time.Time `json:"time"`
}
