package rollout

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
)

// Clone is a rollout to try decisions on. The clone shares the suspects: nothing about suspects may
// be told to a clone.
func (r *Rollout) Clone() Rollout {
	clone := *r
	if r.Way != nil {
		way := *r.Way
		clone.Way = &way
	}
	return clone
}

// Follow takes over what a leader has decided. way is the leader's own present rollout, on the
// leader; nil: the rollout of the record, whose fleet is awaited until a time.
func (r *Rollout) Follow(s Saved, way *Way, until time.Time) {
	r.Restore(s, until)
	if way != nil {
		r.Way = way
	}
}

// Loss is a node that was lost with a revision.
type Loss struct {
	verdict.Key
	Node   string
	Losses int
}

// Losses are the losses with a revision, sorted.
func (r *Rollout) Losses(revision string) (all []Loss) {
	for key, of := range r.suspects.all {
		if key.Revision != revision {
			continue
		}
		for node, one := range of.nodes {
			if one.Losses > 0 {
				all = append(all, Loss{key, node, one.Losses})
			}
		}
	}
	slices.SortFunc(all, func(a, b Loss) int {
		return cmp.Or(strings.Compare(a.Envoy, b.Envoy), strings.Compare(a.Node, b.Node))
	})
	return all
}

// Heard notes how often a node was lost with a revision, as another replica has counted it, and
// says whether that is news. The group waits for the node until a time; zero: it does not.
func (r *Rollout) Heard(l Loss, why Reason, now, until time.Time) bool {
	if r.Suspect(l.Key, l.Node).Losses >= l.Losses {
		return false
	}
	one := r.suspects.add(l.Key, l.Node)
	if one == nil {
		return false
	}
	r.suspects.losses += l.Losses - one.Losses
	one.Losses, one.Why, one.Since, one.Until = l.Losses, why, now, until
	r.suspects.update(l.Key)
	return true
}
