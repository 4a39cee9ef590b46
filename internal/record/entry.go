package record

import (
	"slices"
	"time"
)

// Outcome says how the rollout of a revision went.
type Outcome string

// The outcomes. The first two are of revisions that the server still wants to serve.
const (
	RollingOut Outcome = "rolling_out"
	Live       Outcome = "live"        // all Envoys get the revision
	Replaced   Outcome = "replaced"    // the revision was live until another one was
	Superseded Outcome = "superseded"  // another revision was wanted before this one was live
	RolledBack Outcome = "rolled_back" // a user has rolled back from the revision
	Aborted    Outcome = "aborted"     // a user has ended the rollout
	Refused    Outcome = "refused"     // an Envoy has refused the revision
	Unhealthy  Outcome = "unhealthy"   // the figures of Envoys were bad, and the revision was taken back
	Stopped    Outcome = "stopped"     // the rollout has stopped for another reason
)

// isOpen reports whether the server still serves or rolls out the revision.
func (o Outcome) isOpen() bool { return o == RollingOut || o == Live }

// Entry is the record of a revision. The zero value of a field means that it is not known, or that
// there was none.
type Entry struct {
	Revision string `json:"revision"`
	// Previous is the revision that was wanted before.
	Previous string `json:"previous,omitempty"`
	// At is when the revision became wanted for the last time. LiveAt is when all Envoys got it, and
	// EndedAt when it was not served any more.
	At      time.Time `json:"at"`
	LiveAt  time.Time `json:"liveAt,omitzero"`
	EndedAt time.Time `json:"endedAt,omitzero"`
	Outcome Outcome   `json:"outcome"`
	Reason  string    `json:"reason,omitempty"` // of an outcome that is not live
	// Before are the earlier times at which the revision was wanted, the newest first.
	Before []Turn `json:"before,omitempty"`

	SpecFile string `json:"specFile,omitempty"`
	// Commit is the commit of the spec's directory; nil: the directory is no git checkout.
	Commit *Commit `json:"commit,omitempty"`
	// Text is the spec as [TextOf] returns it.
	Text   string `json:"text,omitempty"`
	Module Module `json:"module"`

	Waves    []Wave    `json:"waves,omitempty"`
	Figures  []Figure  `json:"figures,omitempty"`
	Refusals []Refusal `json:"refusals,omitempty"` // the newest first
	By       []Deed    `json:"by,omitempty"`       // the oldest first
}

// Turn is an earlier time at which a revision was wanted.
type Turn struct {
	At      time.Time `json:"at"`
	LiveAt  time.Time `json:"liveAt,omitzero"`
	EndedAt time.Time `json:"endedAt,omitzero"`
	Outcome Outcome   `json:"outcome"`
}

// Commit is the commit of a git checkout at the time of an edit.
type Commit struct {
	ID    string `json:"id"`   // 40 or 64 hex digits
	File  string `json:"file"` // the spec's path within the checkout
	Dirty bool   `json:"dirty,omitempty"`
}

// Module is the Wasm module of a revision.
type Module struct {
	SHA256    string   `json:"sha256,omitempty"`
	Size      int64    `json:"size,omitempty"`
	Reference string   `json:"reference,omitempty"`
	Digest    string   `json:"digest,omitempty"`
	Imports   []string `json:"imports,omitempty"` // functions, as module.name, sorted
	Cost      *Cost    `json:"cost,omitempty"`    // nil: not measured
}

// Cost is the cost of a request in the sandbox.
type Cost struct {
	Requests  int           `json:"requests"` // that were measured
	Median    time.Duration `json:"median"`
	P99       time.Duration `json:"p99"`
	HostCalls float64       `json:"hostCalls"` // in a request, on average
	Memory    int64         `json:"memory"`    // bytes of linear memory after the requests
	Growth    float64       `json:"growth"`    // bytes of memory for each further request
}

// Wave is a wave of a rollout.
type Wave struct {
	Name     string    `json:"name"`
	Envoys   int       `json:"envoys"`
	Live     int       `json:"live"`
	State    string    `json:"state"`
	Since    time.Time `json:"since,omitzero"`
	PassedAt time.Time `json:"passedAt,omitzero"`
}

// Figure compares the Envoys with the revision and the Envoys with the stable one, at the last look.
type Figure struct {
	Name    string  `json:"name"`
	Canary  float64 `json:"canary"`
	Stable  float64 `json:"stable"`
	Unit    string  `json:"unit,omitempty"`
	Limit   float64 `json:"limit,omitempty"`
	Outcome string  `json:"outcome"`
	Message string  `json:"message,omitempty"`
}

// Refusal is the refusal of an Envoy.
type Refusal struct {
	At      time.Time `json:"at"`
	Node    string    `json:"node"`
	Envoy   string    `json:"envoy,omitempty"`
	Message string    `json:"message"`
}

// Deed is an action of a user.
type Deed struct {
	At     time.Time `json:"at"`
	Action string    `json:"action"` // promote, rollback and the like
	By     string    `json:"by,omitempty"`
	Reason string    `json:"reason,omitempty"`
}

// The largest numbers of parts, and of bytes of a text from outside.
const (
	mostRefusals = 10
	mostDeeds    = 30
	mostTurns    = 10
	mostMessage  = 1 << 10
)

// refuse adds a refusal. A second refusal of the same Envoy replaces the first.
func (e *Entry) refuse(r Refusal) {
	r.Message = cut(r.Message, mostMessage)
	others := slices.DeleteFunc(slices.Clone(e.Refusals), func(o Refusal) bool { return o.Node == r.Node && o.Envoy == r.Envoy })
	others = slices.Insert(others, 0, r)
	e.Refusals = others[:min(len(others), mostRefusals)]
}

// did adds an action. The oldest action goes if there are too many.
func (e *Entry) did(d Deed) {
	d.Reason = cut(d.Reason, mostMessage)
	e.By = append(slices.Clone(e.By), d)
	e.By = e.By[max(0, len(e.By)-mostDeeds):]
}

// again begins another turn of the revision.
func (e *Entry) again(now time.Time) {
	turn := Turn{At: e.At, LiveAt: e.LiveAt, EndedAt: e.EndedAt, Outcome: e.Outcome}
	before := slices.Insert(slices.Clone(e.Before), 0, turn)
	e.Before = before[:min(len(before), mostTurns)]
	e.At, e.LiveAt, e.EndedAt, e.Outcome, e.Reason = now, time.Time{}, time.Time{}, RollingOut, ""
	e.Waves, e.Figures = nil, nil
}

// rolledBack reports whether a user has rolled back from the revision in its present turn.
func (e *Entry) rolledBack() bool {
	for _, d := range slices.Backward(e.By) {
		if d.At.Before(e.At) {
			break
		}
		if d.Action == "rollback" {
			return true
		}
	}
	return false
}

// cut bounds a text, and keeps its characters whole.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && text[most]&0xc0 == 0x80 { // in the middle of a character
		most--
	}
	return text[:most] + "…"
}
