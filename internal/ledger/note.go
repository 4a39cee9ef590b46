package ledger

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
)

// Verdict says whether a revision loads on an Envoy version.
type Verdict struct {
	Filter   string `json:"filter"`
	Revision string `json:"revision"`
	Envoy    string `json:"envoy"`
	Loads    bool   `json:"loads"`
	Message  string `json:"message,omitempty"` // Envoy's, for a refusal
}

// Key names the verdict.
func (v Verdict) Key() verdict.Key { return verdict.Key{Revision: v.Revision, Envoy: v.Envoy} }

// Note says a node is about to get bytes of an unproven revision, or has got them, and has not
// taken a good revision since. A filter and a node have one note.
type Note struct {
	Filter   string `json:"filter"`
	Node     string `json:"node"`
	Revision string `json:"revision"`
	Envoy    string `json:"envoy"`
	Replica  string `json:"replica"`
	// Version names the bytes. Each push has other bytes, so two notes differ.
	Version string `json:"version"`
	// Losses are how often in a row the node was lost with the revision. Silent says the node
	// does not answer, and that its stream goes on.
	Losses int  `json:"losses,omitempty"`
	Silent bool `json:"silent,omitempty"`
	// Mod is the [Record.Mod] of the record that names the canary. [Ledger.Note] compares it.
	Mod int64 `json:"-"`
}

// Key names the verdict that the note waits for.
func (n Note) Key() verdict.Key { return verdict.Key{Revision: n.Revision, Envoy: n.Envoy} }

// Presence is what a replica tells about itself. The ledger drops it with the replica's lease.
type Presence struct {
	Replica string `json:"replica"`
	URL     string `json:"url,omitempty"` // how other replicas reach this one
	// Key is the key with which other replicas ask this one; "": they cannot.
	Key     string    `json:"key,omitempty"`
	Version string    `json:"version,omitempty"`
	Since   time.Time `json:"since"` // by the replica's clock
	// Set is the version of the replica's snapshot.
	Set string `json:"set,omitempty"`
	// Seen is the highest [Record.Mod] that the replica has carried out.
	Seen int64 `json:"seen"`
	// Counts are of the filters that roll out, or whose stable revision is not proven on every
	// version.
	Counts []Count `json:"counts,omitempty"`
}

// Count is about the Envoys of a version that a replica has for a filter, in numbers.
type Count struct {
	Filter    string `json:"filter"`
	Revision  string `json:"revision"` // the candidate, or the stable revision
	Envoy     string `json:"envoy"`
	Size      int    `json:"size"`                // the subscribers
	Preferred int    `json:"preferred,omitempty"` // the subscribers that `rollout.canary` names
	Canaries  int    `json:"canaries,omitempty"`  // the canaries of the revision
	Loading   int    `json:"loading,omitempty"`   // the canaries that do not run it yet
	Running   int    `json:"running,omitempty"`   // the subscribers that run it
	Silent    int    `json:"silent,omitempty"`    // the subscribers whose streams are silent
	// Named is the canary of the record, if it is connected and may be asked; "": it is not.
	Named string `json:"named,omitempty"`
	// Offer is the node that the replica would make a canary next; "": none. Rank is its rank: the
	// lowest is asked first.
	Offer string `json:"offer,omitempty"`
	Rank  int    `json:"rank,omitempty"`
}

// Command is a user's command on its way to the leader.
type Command struct {
	ID       string    `json:"id"`
	Kind     Kind      `json:"kind"`
	Filter   string    `json:"filter,omitempty"` // "" with a freeze or a thaw
	Revision string    `json:"revision,omitempty"`
	Instead  string    `json:"instead,omitempty"` // see [Rollback]
	Pinned   bool      `json:"pinned,omitempty"`
	By       string    `json:"by,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Replica  string    `json:"replica"` // the replica that the user has asked
	At       time.Time `json:"at"`
}

// Kind is the kind of a [Command]. The words are part of the ledger.
type Kind string

// The kinds. A leader of a later release may know more.
const (
	Promote  Kind = "promote"
	Pause    Kind = "pause"
	Resume   Kind = "resume"
	Abort    Kind = "abort"
	Tried    Kind = "retry"
	RollBack Kind = "rollback"
	Unpin    Kind = "unpin"
	Freeze   Kind = "freeze"
	Thaw     Kind = "thaw"
	Forget   Kind = "forget"
)
