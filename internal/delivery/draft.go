package delivery

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// draft is the next record of a filter, as the leader wants it. The leader decides on copies, so a
// proposal that is not written leaves no trace.
type draft struct {
	record    ledger.Record
	revisions revisions
	rollout   rollout.Rollout
	moves     []RolloutMoved // to tell once the record is written
	done      []string       // commands that end with the proposal
	ended     map[string]string
	retried   string // the revision whose refusals are dropped; "": none
	save      bool   // the record has to be written even if it looks the same
}

// end notes the end of a command. problem is one sentence for the user; "": none.
func (d *draft) end(id, problem string) {
	if id == "" {
		return
	}
	d.done = append(d.done, id)
	if problem != "" {
		if d.ended == nil {
			d.ended = map[string]string{}
		}
		d.ended[id] = problem
	}
}

// complete fills in the parts of the record that the revisions and the rollout have.
func (d *draft) complete(losses []rollout.Loss) {
	r, v := &d.record, &d.revisions
	r.Format = ledger.Format
	r.Stable, r.StableSince = idOf(v.stable), v.stableSince
	r.Older, r.Refused = idsOf(v.older), idsOf(v.refused)
	r.Wishes = slices.Clone(v.wishes)
	r.Rollout, r.Stops, r.Promoted = d.rollout.Way.Record(nil), d.rollout.Stops.All(), d.rollout.Promoted()
	r.Lost = nil
	for _, l := range losses {
		r.Lost = append(r.Lost, ledger.Lost{Node: l.Node, Envoy: l.Envoy, Revision: l.Revision, Losses: l.Losses})
	}
}

// news are the contents of the record that the ledger does not have. known are those it has.
func (d *draft) news(known map[string]*snapshot.Revision, content func(id string) *snapshot.Revision) (all []*snapshot.Revision) {
	for _, id := range d.record.Contents() {
		if known[id] != nil {
			continue
		}
		if r := content(id); r != nil {
			all = append(all, r)
		}
	}
	return all
}

// sameRecord says whether two records decide the same. The times of a rollout pass, and the size of
// the fleet changes, without a decision.
func sameRecord(a, b *ledger.Record) bool {
	return bytes.Equal(decided(a), decided(b))
}

func decided(r *ledger.Record) []byte {
	one := *r
	one.Seq, one.Term = 0, 0
	if one.Rollout != nil {
		way := *one.Rollout
		way.Soak, way.Spent, way.Fleet = 0, 0, 0
		one.Rollout = &way
	}
	text, err := json.Marshal(&one)
	if err != nil {
		// Structs of strings, numbers and times always marshal.
		panic("delivery: " + err.Error())
	}
	return text
}

// stop keeps a stop of the rollout.
func (d *draft) stop(stop rollout.Stop, moved RolloutMoved, now time.Time) {
	if d.rollout.Stops.Keep(stop, now) {
		d.moves = append(d.moves, moved)
	}
}
