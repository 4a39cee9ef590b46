package rollout

import (
	"maps"
	"slices"
	"time"
)

// StopReason is the reason for which a rollout has stopped. The words are part of the state file.
type StopReason string

// The reasons to stop. A state file of a later version may have more.
const (
	Refused   StopReason = "refused"   // an Envoy of the version has refused the revision
	Lost      StopReason = "lost"      // Envoys of the version were lost with the revision
	NotForAny StopReason = "for_none"  // the revision is for no connected version; Envoy is the last
	Unhealthy StopReason = "unhealthy" // the Envoys with the revision are worse than the others
	Aborted   StopReason = "aborted"   // a user has stopped the rollout
	Overdue   StopReason = "overdue"   // the deadline has passed, and the spec says onDeadline: back
)

// Stop says why a rollout has stopped.
type Stop struct {
	Revision string     `json:"revision"`
	Why      StopReason `json:"why"`
	Envoy    string     `json:"envoy,omitempty"` // the version, with Refused, Lost and NotForAny
	// Losses are the losses by node id, with Lost.
	Losses map[string]int `json:"losses,omitempty"`
	// Reason is the cause in a sentence: Envoy's message with Refused, the figures with Unhealthy.
	Reason string    `json:"reason,omitempty"`
	By     string    `json:"by,omitempty"` // the user, with Aborted
	At     time.Time `json:"at,omitzero"`
}

// IsKept says whether the stop outlives its cause: until the revision is retried.
func (s *Stop) IsKept() bool { return s.Why != NotForAny }

// IsForAll says whether the stop concerns every Envoy: none gets the revision, even if nothing else
// loads there. A refusal and a loss concern the Envoys of a version.
func (s *Stop) IsForAll() bool { return s.Why != Refused && s.Why != Lost && s.Why != NotForAny }

const (
	stopsKept  = 32 // stops of a filter
	lossesKept = 20 // nodes of a stop
)

// Stops are the kept stops of a filter. The zero value is empty.
type Stops struct {
	all     []Stop // the newest first; a memory shares the list, so it is replaced and never changed
	changes int    // rises with every change
}

// All are the kept stops, the newest first.
func (s *Stops) All() []Stop { return s.all }

// Changes rises with every change.
func (s *Stops) Changes() int { return s.changes }

// Bars says whether no Envoy may get the revision any more, see [Stop.IsForAll].
func (s *Stops) Bars(revision string) bool {
	stop := s.Of(revision)
	return stop != nil && stop.IsForAll()
}

// Of is the kept stop of a revision; nil: there is none.
func (s *Stops) Of(revision string) *Stop {
	for i := range s.all {
		if s.all[i].Revision == revision {
			return &s.all[i]
		}
	}
	return nil
}

// Keep keeps a stop until the revision is retried, and says whether that is news. The first stop of
// a revision counts.
func (s *Stops) Keep(stop Stop, now time.Time) (news bool) {
	if !stop.IsKept() || s.Of(stop.Revision) != nil {
		return false
	}
	if stop.At.IsZero() {
		stop.At = now.UTC().Round(0)
	}
	if len(stop.Losses) > lossesKept {
		few := map[string]int{}
		for _, node := range slices.Sorted(maps.Keys(stop.Losses))[:lossesKept] {
			few[node] = stop.Losses[node]
		}
		stop.Losses = few
	}
	all := slices.Insert(slices.Clone(s.all), 0, stop)
	s.all = all[:min(len(all), stopsKept)]
	s.changes++
	return true
}

// Drop drops the stop of a revision.
func (s *Stops) Drop(revision string) {
	if s.Of(revision) == nil {
		return
	}
	s.all = slices.DeleteFunc(slices.Clone(s.all), func(stop Stop) bool { return stop.Revision == revision })
	s.changes++
}

// restore takes the stops of a former process.
func (s *Stops) restore(all []Stop) {
	s.all = all
	s.changes++
}
