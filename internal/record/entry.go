package record

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// Entry is the record of a revision. The zero value of a field means that it is not known, or that
// there was none.
type Entry struct {
	Revision string `json:"revision"`
	// Previous is the revision that was wanted before.
	Previous string `json:"previous,omitempty"`
	// At is when the revision became wanted for the last time. LiveAt is when all Envoys got it,
	// and EndedAt when it was not served any more.
	At      time.Time           `json:"at"`
	LiveAt  time.Time           `json:"liveAt,omitzero"`
	EndedAt time.Time           `json:"endedAt,omitzero"`
	Outcome api.RevisionOutcome `json:"outcome"`
	Reason  string              `json:"reason,omitempty"` // of an outcome that is not live
	// Before are the earlier times at which the revision was wanted, the newest first.
	Before []api.RevisionTurn `json:"before,omitempty"`

	SpecFile string `json:"specFile,omitempty"`
	// Commit is the commit of the spec's directory; nil: the directory is no git checkout.
	Commit *Commit `json:"commit,omitempty"`
	// Text is the spec as [TextOf] returns it.
	Text   string `json:"text,omitempty"`
	Module Module `json:"module"`

	Waves    []api.RolloutWave      `json:"waves,omitempty"`
	Figures  []api.HealthComparison `json:"figures,omitempty"`
	Refusals []api.Refusal          `json:"refusals,omitempty"` // the newest first
	By       []api.Action           `json:"by,omitempty"`       // the oldest first
}

// Commit is the commit of a git checkout at the time of an edit.
type Commit struct {
	ID    string `json:"id"`   // 40 or 64 hex digits
	File  string `json:"file"` // the spec's path within the checkout
	Dirty bool   `json:"dirty,omitempty"`
}

// Module is the Wasm module of a revision.
type Module struct {
	SHA256    string          `json:"sha256,omitempty"`
	Size      int64           `json:"size,omitempty"`
	Reference string          `json:"reference,omitempty"`
	Digest    string          `json:"digest,omitempty"`
	Imports   []string        `json:"imports,omitempty"` // functions, as module.name, sorted
	Cost      *api.ModuleCost `json:"cost,omitempty"`    // nil: not measured
}

// The largest numbers of parts, and of bytes of a text from outside.
const (
	mostRefusals = 10
	mostDeeds    = 30
	mostTurns    = 10
	mostMessage  = 1 << 10
)

// refuse adds a refusal. A second refusal of the same Envoy replaces the first.
func (e *Entry) refuse(r api.Refusal) {
	r.Message = cut(r.Message, mostMessage)
	others := slices.DeleteFunc(slices.Clone(e.Refusals), func(o api.Refusal) bool { return o.Node == r.Node })
	others = slices.Insert(others, 0, r)
	e.Refusals = others[:min(len(others), mostRefusals)]
}

// did adds an action. The oldest action goes if there are too many.
func (e *Entry) did(d api.Action) {
	d.Reason = cut(d.Reason, mostMessage)
	e.By = append(slices.Clone(e.By), d)
	e.By = e.By[max(0, len(e.By)-mostDeeds):]
}

// again begins another turn of the revision.
func (e *Entry) again(now time.Time) {
	turn := api.RevisionTurn{Since: e.At, LiveAt: e.LiveAt, EndedAt: e.EndedAt, Outcome: e.Outcome}
	before := slices.Insert(slices.Clone(e.Before), 0, turn)
	e.Before = before[:min(len(before), mostTurns)]
	e.At, e.LiveAt, e.EndedAt, e.Outcome, e.Reason = now, time.Time{}, time.Time{}, api.OutcomeRollingOut, ""
	e.Waves, e.Figures = nil, nil
}

// rolledBack reports whether a user has rolled back from the revision in its present turn.
func (e *Entry) rolledBack() bool {
	for _, d := range slices.Backward(e.By) {
		if d.At.Before(e.At) {
			break
		}
		if d.Action == "rollback" || d.Action == "pin" {
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
