package rollout

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
)

const (
	// lossLimit is how many losses of a revision, by the Envoys of a version, stop the rollout.
	// While there are other nodes, a single node is asked once less.
	// See docs/RATIONALE.md#when-do-lost-streams-stop-a-rollout.
	lossLimit = 3
	// suspectLimit bounds the suspects of a filter, and suspicionLimit the pairs of a revision and
	// an Envoy version among them. Clients can make up versions, and each step looks at all pairs.
	suspectLimit   = 4096
	suspicionLimit = 64
)

// Suspect is a node that was sent an unproven revision and has not answered: the stream has ended,
// the node is silent, or the server has ended meanwhile. The zero value is no suspect.
// See docs/RATIONALE.md#why-does-each-envoy-version-have-canaries-and-when-is-a-node-a-suspect.
type Suspect struct {
	Losses int // losses in a row, as seen by this server; 0: the server ended
	Why    Reason
	Since  time.Time // the time of the last loss
	Until  time.Time // how long the group waits for the node; zero: no wait
}

// Is says whether there is a suspect at all.
func (s Suspect) Is() bool { return s.Why != "" }

// IsAwaited says whether the group waits for the node.
func (s Suspect) IsAwaited(now time.Time) bool { return now.Before(s.Until) }

// IsNearLimit says whether the node may be asked once more at most.
func (s Suspect) IsNearLimit() bool { return s.Losses >= lossLimit-1 }

// IsLost says whether the node was lost so often that the cause is taken to be its own.
func (s Suspect) IsLost() bool { return s.Losses >= lossLimit }

// suspicion has the suspects of a revision and one Envoy version.
type suspicion struct {
	nodes map[string]*Suspect // by node id
	until time.Time           // the latest Until of the nodes
}

// suspects are the suspects of a filter, by revision and Envoy version. The version is "" if a
// state file does not name a version. The zero value has no suspects.
type suspects struct {
	all    map[verdict.Key]*suspicion
	size   int // the number of suspects
	losses int // the sum of all losses
}

// find returns the suspect; nil: the node is no suspect.
func (s *suspects) find(key verdict.Key, node string) *Suspect {
	if of := s.all[key]; of != nil {
		return of.nodes[node]
	}
	return nil
}

// add is find, and makes the node a suspect if necessary. nil: there are too many suspects.
func (s *suspects) add(key verdict.Key, node string) *Suspect {
	if one := s.find(key, node); one != nil {
		return one
	}
	if s.size >= suspectLimit || s.all[key] == nil && len(s.all) >= suspicionLimit {
		return nil
	}
	if s.all == nil {
		s.all = map[verdict.Key]*suspicion{}
	}
	if s.all[key] == nil {
		s.all[key] = &suspicion{nodes: map[string]*Suspect{}}
	}
	s.size++
	one := &Suspect{}
	s.all[key].nodes[node] = one
	return one
}

// lose counts a loss of the node, and says whether there was room for the suspect.
func (s *suspects) lose(key verdict.Key, node string, why Reason, now, until time.Time) bool {
	one := s.add(key, node)
	if one == nil {
		return false
	}
	one.Losses++
	s.losses++
	one.Why, one.Since, one.Until = why, now, until
	s.update(key)
	return true
}

// doubt makes the node a suspect without a loss.
func (s *suspects) doubt(key verdict.Key, node string, why Reason, now, until time.Time) {
	if one := s.add(key, node); one != nil {
		one.Why, one.Since, one.Until = why, now, until
		s.update(key)
	}
}

// update recomputes a key's suspicion after a change of the nodes.
func (s *suspects) update(key verdict.Key) {
	of := s.all[key]
	if of == nil {
		return
	}
	of.until = time.Time{}
	for _, one := range of.nodes {
		if one.Until.After(of.until) {
			of.until = one.Until
		}
	}
	if len(of.nodes) == 0 {
		delete(s.all, key)
	}
}

// drop acquits a node, and says whether the node was a suspect.
func (s *suspects) drop(key verdict.Key, node string) bool {
	one := s.find(key, node)
	if one == nil {
		return false
	}
	s.size--
	s.losses -= one.Losses
	delete(s.all[key].nodes, node)
	s.update(key)
	return true
}

// dropAll acquits all nodes of a key, and says whether there were any.
func (s *suspects) dropAll(key verdict.Key) bool {
	of := s.all[key]
	if of == nil {
		return false
	}
	for _, one := range of.nodes {
		s.size--
		s.losses -= one.Losses
	}
	delete(s.all, key)
	return true
}

// waitNoMore ends the waits for the suspects of a revision.
func (s *suspects) waitNoMore(revision string) {
	for key, of := range s.all {
		if key.Revision != revision {
			continue
		}
		for _, one := range of.nodes {
			one.Until = time.Time{}
		}
		s.update(key)
	}
}

// dropRevision acquits all nodes of a revision.
func (s *suspects) dropRevision(revision string) {
	for key := range s.all {
		if key.Revision == revision {
			s.dropAll(key)
		}
	}
}

// forgive sets the losses of a revision to 0. The waits for nodes go on.
func (s *suspects) forgive(revision string) {
	for key, of := range s.all {
		if key.Revision != revision {
			continue
		}
		for _, one := range of.nodes {
			s.losses -= one.Losses
			one.Losses = 0
		}
	}
}

// prune drops the suspects of revisions not served any more, once their waits are over.
func (s *suspects) prune(now time.Time, served func(revision string) bool) {
	for key, of := range s.all {
		if !served(key.Revision) && !now.Before(of.until) {
			s.dropAll(key)
		}
	}
}

// adopt moves a node of unknown version to the version with which the node has come back.
func (s *suspects) adopt(node, envoy string) {
	for key, of := range s.all {
		one := of.nodes[node]
		if key.Envoy != "" || one == nil || envoy == "" {
			continue
		}
		s.drop(key, node)
		moved := verdict.Key{Revision: key.Revision, Envoy: envoy}
		if to := s.add(moved, node); to != nil && to.Losses == 0 {
			*to = *one
			s.losses += one.Losses
			s.update(moved)
		}
	}
}

// hasLosses says whether a node was lost with the revision.
func (s *suspects) hasLosses(revision string) bool {
	for key, of := range s.all {
		if key.Revision != revision {
			continue
		}
		for _, one := range of.nodes {
			if one.Losses > 0 {
				return true
			}
		}
	}
	return false
}

// keys are the keys with suspects, sorted.
func (s *suspects) keys() []verdict.Key {
	return slices.SortedFunc(maps.Keys(s.all), func(a, b verdict.Key) int {
		return cmp.Or(strings.Compare(a.Revision, b.Revision), strings.Compare(a.Envoy, b.Envoy))
	})
}
