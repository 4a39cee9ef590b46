package ledger

import (
	"context"
	"errors"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Event is something that the ledger tells a replica.
type Event interface{ event() }

type (
	// Led says who leads. Term is this replica's term if it leads, and 0 otherwise. A replica that
	// was paused may believe that it leads although another does: the ledger takes none of its
	// proposals.
	Led struct {
		Term   int64
		Leader string // the name of the leader; "": not known
	}
	// Reached says whether the ledger answers. The first Reached with OK follows the events about
	// everything that the ledger has: a filter without a RecordChanged until then has no record.
	Reached struct {
		OK  bool
		Why string // one sentence; "" if OK
	}
	// RecordChanged has the newest record of a filter, with the contents of [Record.Contents] that
	// the ledger has. Gone says the record was deleted, and only Filter and Mod are set.
	RecordChanged struct {
		Record    Record
		Revisions []*snapshot.Revision
		Gone      bool
	}
	// VerdictChanged has a verdict. Gone says the verdict was dropped.
	VerdictChanged struct {
		Verdict Verdict
		Gone    bool
	}
	// NoteChanged has a note. Gone says the node is settled.
	NoteChanged struct {
		Note Note
		Gone bool
	}
	// PresenceChanged has the presence of a replica. Gone says that its lease has ended.
	PresenceChanged struct {
		Presence Presence
		Gone     bool
	}
	// FreezeChanged has the freeze of the fleet; nil: there is none.
	FreezeChanged struct{ Hold *rollout.Hold }
	// CommandCame has a command that no leader has taken yet.
	CommandCame struct{ Command Command }
	// CommandEnded says a leader has taken the command. Problem is one sentence for the user;
	// "": the command had its effect.
	CommandEnded struct{ ID, Problem string }
	// Unchanged says a proposal of this replica was not written: the record has changed
	// meanwhile, or another replica leads.
	Unchanged struct{ Filter string }
)

func (Led) event()             {}
func (Reached) event()         {}
func (RecordChanged) event()   {}
func (VerdictChanged) event()  {}
func (NoteChanged) event()     {}
func (PresenceChanged) event() {}
func (FreezeChanged) event()   {}
func (CommandCame) event()     {}
func (CommandEnded) event()    {}
func (Unchanged) event()       {}

// Proposal is a record that a leader wants written, in one step with the rest of the proposal.
type Proposal struct {
	Record Record // Record.Mod is the compared write; 0: there must be no record
	Gone   bool   // deletes the record, with its contents
	// Contents are contents of the record that the ledger may not have yet.
	Contents []*snapshot.Revision
	// Done are the ids of commands that are carried out by the proposal. Ended has the problem of
	// each command that had no effect.
	Done  []string
	Ended map[string]string
	// DropRefusals is a revision whose refusals are dropped; "": none.
	DropRefusals string
}

// ErrUnchanged says a note was not written: the record has changed meanwhile.
var ErrUnchanged = errors.New("the record has changed meanwhile")

// Ledger is a replica's access to the shared decisions. All methods may be called from any
// goroutine, and all but Run and Note return at once.
type Ledger interface {
	// Run connects, again and again, until ctx ends. tell is called from one goroutine, with the
	// events in the ledger's order.
	Run(ctx context.Context, tell func(Event)) error
	// Propose has a record written if Record.Term is still the term of the leader, and Record.Mod
	// the last write. The answer is a RecordChanged or an Unchanged.
	Propose(Proposal)
	// Judge has a verdict written, as soon as the ledger answers. A success is written only if
	// there is no verdict. A refusal is always written while the revision is a candidate, and
	// otherwise only if there is no verdict.
	Judge(v Verdict, candidate bool)
	// Note returns once the ledger has the notes. No note is written, and the error wraps
	// [ErrUnchanged], unless the record of each note's filter was last written at Note.Mod and no
	// verdict has the note's key. After any other error, the ledger may have the notes.
	Note(ctx context.Context, notes []Note) error
	// Lose writes a note again with its losses, as soon as the ledger answers.
	Lose(Note)
	// Settle deletes the notes that are still as given, as soon as the ledger answers.
	Settle([]Note)
	// Report has the presence written. The newest one counts, and at most two a second are written.
	Report(Presence)
	// Ask hands a command to the leader. The outcome is a CommandEnded.
	Ask(Command)
	// Freeze has the freeze of the fleet written, with the end of the command; nil: a thaw. Only
	// the leader with that term may.
	Freeze(term int64, h *rollout.Hold, done string)
}
