package delivery

import (
	"math"
	"slices"
)

// trials are the trials of a group: which of its subscribers are canaries of which revision.
type trials []*trial // nearly always one or none

// trial counts the canaries of a revision. The canaries are the subscribers with the trial's bit in
// their badge.
type trial struct {
	revision string
	bit      badge
	size     int // the number of canaries
	// at is the place in the group of a canary that did not run the revision at the last look; -1:
	// none is known. With thousands of canaries, the next look begins there: BenchmarkStorm notices
	// the loss.
	at int32
}

// badge has a bit for each trial in which a subscriber is a canary.
type badge uint16

func (t *trial) has(b badge) bool { return t != nil && b&t.bit != 0 }

// looked notes the place of a canary that does not run the revision yet; -1: all canaries run it.
func (t *trial) looked(at int32) { t.at = at }

// of is the trial of a revision; nil: the revision has no canaries.
func (all trials) of(revision string) *trial {
	for _, t := range all {
		if t.revision == revision {
			return t
		}
	}
	return nil
}

// size is the number of canaries of a revision.
func (all trials) size(revision string) int {
	if t := all.of(revision); t != nil {
		return t.size
	}
	return 0
}

// makeRoom makes sure that there is a bit for another trial. There are more bits than revisions
// that may be served. If the bits are used up nevertheless, the oldest trial ends: its bit has to
// be taken out of all badges; 0: no trial ended.
func (all *trials) makeRoom() badge {
	if all.taken() == math.MaxUint16 {
		return all.end((*all)[0].revision)
	}
	return 0
}

func (all *trials) taken() (taken badge) {
	for _, t := range *all {
		taken |= t.bit
	}
	return taken
}

// add makes the owner of a badge a canary. A new trial needs room, see makeRoom.
func (all *trials) add(revision string, b *badge) {
	t := all.of(revision)
	if t == nil {
		taken := all.taken()
		t = &trial{revision: revision, bit: ^taken & (taken + 1), at: -1}
		*all = append(*all, t)
	}
	if !t.has(*b) {
		*b |= t.bit
		t.size++
	}
}

// leave takes the owner of a badge out of all trials.
func (all trials) leave(b *badge) {
	for _, t := range all {
		if t.has(*b) {
			t.size--
		}
	}
	*b = 0
}

// end ends the trial of a revision. The bit has to be taken out of all badges; 0: there was no
// trial.
func (all *trials) end(revision string) badge {
	t := all.of(revision)
	if t == nil {
		return 0
	}
	*all = slices.DeleteFunc(*all, func(other *trial) bool { return other == t })
	return t.bit
}
