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

// The notable events: webhooks get them, too. Message describes each in a sentence. A notable
// event comes beside the change of the object itself.
const (
	// EventLive: every Envoy that asks for the filter and can run it runs Revision. Previous is the
	// revision before.
	EventLive EventType = "live"
	// EventRefused: Revision is not served, for Cause and Problem. Revision is "" if the content
	// has none.
	EventRefused EventType = "refused"
	// EventRolledBack: Envoys get Revision again in place of Previous, for Cause.
	EventRolledBack EventType = "rolled_back"
	// EventSourceLost: the source Name cannot be read, and its filters stay as they were.
	// EventSourceBack is the end of this.
	EventSourceLost EventType = "source_lost"
	EventSourceBack EventType = "source_back"
	// EventCertificateExpiring: the certificate of the ports in Name ends soon, at Until.
	// EventCertificateExpired: it has ended.
	EventCertificateExpiring EventType = "certificate_expiring"
	EventCertificateExpired  EventType = "certificate_expired"
)

// EventTest is the type of the message of `webhook test`. Nothing has happened.
const EventTest EventType = "test"

// EventTypes returns all types that a client can ask for.
func EventTypes() []EventType {
	return []EventType{
		EventFilter, EventNode, EventSource, EventSnapshot,
		EventWavePassed, EventSoaked, EventWaits, EventPromoted, EventWatched, EventStopped, EventWentBack, EventDeadline,
		EventPaused, EventResumed, EventFrozen, EventThawed,
		EventLive, EventRefused, EventRolledBack, EventSourceLost, EventSourceBack, EventCertificateExpiring, EventCertificateExpired,
	}
}

// IsNotable says whether an event is for people away from the page. Each type is notable, except
// the plain changes of objects.
func (t EventType) IsNotable() bool {
	switch t {
	case EventFilter, EventNode, EventSource, EventSnapshot, EventReset, EventStopped: // a stop comes with EventRefused
		return false
	default:
		return true
	}
}

// Cause is the reason for a refusal or a rollback.
type Cause string

// The causes. Later versions may add more.
const (
	CauseSpec    Cause = "spec"    // the document or the files that it names cannot be used
	CauseModule  Cause = "module"  // the module or the configuration cannot be had
	CauseSandbox Cause = "sandbox" // the sandbox found the revision unfit
	CauseEnvoy   Cause = "envoy"   // an Envoy refused the revision
	CauseLost    Cause = "lost"    // Envoys were lost with the revision
	CauseHealth  Cause = "health"  // Envoys that ran the revision were worse than the others
	CauseHand    Cause = "hand"    // a user has decided so
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

	// The following fields belong to notable events. "" and null: the event has none.

	// Message describes the event in a sentence, for people.
	Message string `json:"message,omitempty"`
	Cause   Cause  `json:"cause,omitempty"`
	// Previous is the revision that was served before, or that a rollback replaces.
	Previous string `json:"previous,omitempty"`
	Wave     string `json:"wave,omitempty"` // the name of a rollout's wave, as canary, 10% or all
	Node     string `json:"node,omitempty"` // the Envoy that the event comes from
	By       string `json:"by,omitempty"`   // the user behind the command that caused the event
	// Until is the end of a certificate or of a wait.
	Until   time.Time `json:"until,omitzero"`
	Problem *Error    `json:"problem,omitempty"`
}
