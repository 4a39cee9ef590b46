package delivery

import "github.com/wasm-xds/wasm-xds/internal/ledger"

// The events and actions of a server that shares its decisions with other replicas, see
// [Config.Replica].
type (
	// FromLedger is an event of the ledger.
	FromLedger struct{ Event ledger.Event }
	// NotNoted says the note of a [NoteFirst] was not written, and that the send that waited
	// for it was not made. The ledger may have the note nevertheless.
	NotNoted struct {
		Stream StreamID
		Name   string
	}

	// NoteFirst has a note that the ledger must have before the [Send] with Unproven to the same
	// stream, which follows.
	NoteFirst struct {
		Stream StreamID
		Note   ledger.Note
	}
	// Propose has the leader's next record of a filter, see [ledger.Ledger.Propose].
	Propose struct{ ledger.Proposal }
	// Judged has a verdict of an Envoy, see [ledger.Ledger.Judge].
	Judged struct {
		Verdict   ledger.Verdict
		Candidate bool
	}
	// Lost has the note of a node that was lost, see [ledger.Ledger.Lose].
	Lost struct{ Note ledger.Note }
	// Settled has notes of nodes that have taken a good revision, see [ledger.Ledger.Settle].
	Settled struct{ Notes []ledger.Note }
	// Report has the presence of this replica. The caller completes what the machine does not know:
	// URL, Version, and Since.
	Report struct{ Presence ledger.Presence }
	// Freeze has a command to freeze the fleet or to end the freeze, which the leader carries out,
	// see [ledger.Ledger.Freeze].
	Freeze struct {
		Term    int64
		Command ledger.Command
	}
)

func (FromLedger) event() {}
func (NotNoted) event()   {}

func (NoteFirst) action() {}
func (Propose) action()   {}
func (Judged) action()    {}
func (Lost) action()      {}
func (Settled) action()   {}
func (Report) action()    {}
func (Freeze) action()    {}
