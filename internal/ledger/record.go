package ledger

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
)

// Format is the newest format of a [Record] that this release reads. A replica leaves alone a
// record of a newer format: the replica goes on with its last record.
const Format = 1

// Record is the decision of the fleet about a filter.
type Record struct {
	Format int    `json:"format"` // see [Format]
	Filter string `json:"filter"`
	// Wanted is the revision that rolls out, or the stable revision; "": none yet.
	Wanted string `json:"wanted,omitempty"`
	// Stable is the revision that all Envoys get; "": no rollout was ever completed.
	Stable      string    `json:"stable,omitempty"`
	StableSince time.Time `json:"stableSince,omitzero"`
	// Older and Refused are ids, the newest first. The ledger has the contents.
	Older   []string `json:"older,omitempty"`
	Refused []string `json:"refused,omitempty"`
	Wishes  []Wish   `json:"wishes,omitempty"`

	// Canaries are the only nodes that may get bytes of an unproven revision: at most one for each
	// pair of a revision and an Envoy version.
	Canaries []Canary `json:"canaries,omitempty"`
	// Shares say how many Envoys may run Wanted on each replica during a wave.
	Shares []Share `json:"shares,omitempty"`

	Rollout  *rollout.Record `json:"rollout,omitempty"` // nil: no rollout, and no watch
	Stops    []rollout.Stop  `json:"stops,omitempty"`
	Promoted string          `json:"promoted,omitempty"` // the revision promoted by hand; "": none
	Rollback *Rollback       `json:"rollback,omitempty"` // nil: none
	// Lost are the nodes that were lost with the wanted revision.
	Lost []Lost `json:"lost,omitempty"`
	// Retry is the last retry; nil: none. Another value has every replica try the revision again.
	Retry *Retry `json:"retry,omitempty"`

	// Seq rises with every write of the record. A ledger that was restored from a backup tells a
	// lower number than before.
	Seq int64 `json:"seq"`
	// Term is the term of the leader that wrote the record, see [Led].
	Term int64 `json:"term"`
	// Mod is the ledger's revision of the last write; 0: the ledger has no record of the filter.
	Mod int64 `json:"-"`
}

// Canary is a node that may get an unproven revision.
type Canary struct {
	Node     string    `json:"node"`
	Envoy    string    `json:"envoy"` // the Envoy version
	Revision string    `json:"revision"`
	Replica  string    `json:"replica"` // the replica that had the node when the leader named it
	Since    time.Time `json:"since"`   // by the leader's clock
}

// Lost is a node that was lost with a revision.
type Lost struct {
	Node     string `json:"node"`
	Envoy    string `json:"envoy"`
	Revision string `json:"revision"`
	Losses   int    `json:"losses"`
}

// Share is the number of Envoys of a version that may run the wanted revision on a replica. The
// revision is proven on the version.
type Share struct {
	Replica string `json:"replica"`
	Envoy   string `json:"envoy"`
	Number  int    `json:"number"`
}

// Rollback is a user's wish to serve a revision in place of another.
type Rollback struct {
	Revision string    `json:"revision"`
	Instead  string    `json:"instead"`          // the revision that the spec describes
	Pinned   bool      `json:"pinned,omitempty"` // edits of the spec do not end the rollback
	By       string    `json:"by,omitempty"`
	At       time.Time `json:"at"`
}

// Concerns says whether the rollback replaces the revision that a spec describes.
func (r *Rollback) Concerns(described string) bool {
	return r != nil && (r.Pinned || r.Instead == described)
}

// Retry is a user's wish to try a revision again.
type Retry struct {
	Revision string    `json:"revision"`
	By       string    `json:"by,omitempty"`
	At       time.Time `json:"at"`
}

// Canary is the canary of a revision on an Envoy version; nil: none is named.
func (r *Record) Canary(revision, envoy string) *Canary {
	if r == nil {
		return nil
	}
	for i := range r.Canaries {
		if c := &r.Canaries[i]; c.Revision == revision && c.Envoy == envoy {
			return c
		}
	}
	return nil
}

// Share is how many Envoys of a version may run the wanted revision on a replica.
func (r *Record) Share(replica, envoy string) int {
	if r == nil {
		return 0
	}
	for _, s := range r.Shares {
		if s.Replica == replica && s.Envoy == envoy {
			return s.Number
		}
	}
	return 0
}

// Contents are the ids of the revisions that a replica needs to serve the record, each once. The
// refused revisions are for the history alone.
func (r *Record) Contents() []string {
	var all []string
	for _, ids := range [][]string{{r.Wanted, r.Stable}, r.Older, r.Refused} {
		for _, id := range ids {
			if id != "" && !has(all, id) {
				all = append(all, id)
			}
		}
	}
	return all
}

func has(all []string, id string) bool {
	for _, one := range all {
		if one == id {
			return true
		}
	}
	return false
}
