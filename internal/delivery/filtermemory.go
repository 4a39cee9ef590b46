package delivery

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
)

// memory is the filter's part of the [Memory].
func (f *filter) memory() FilterMemory {
	return FilterMemory{
		Name: f.name, Wanted: f.wanted, Stable: f.stable, Older: slices.Clone(f.older), Wishes: f.wishes,
		IdleSince: f.idle.since, Promoted: f.rollout.Promoted(), StableSince: f.stableSince, Refused: f.refused,
		Rollout: f.rollout.Way.Record(f.members()), Stops: f.rollout.Stops.All(), Record: f.followed.saved(),
	}
}

// restore goes on where a former process left off. The Envoys of a rollout are awaited until a
// time.
func (f *filter) restore(m FilterMemory, until time.Time) {
	f.revisions.restore(m)
	f.rollout.Restore(rollout.Saved{Promoted: m.Promoted, Record: m.Rollout, Stops: m.Stops}, until)
	f.idle.restore(m.IdleSince)
	f.followed.restore(m.Record, m.Wanted)
}
