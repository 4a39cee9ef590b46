package delivery

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/unsettled"
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// lostLimit is how many losses of a revision, by the Envoys of one version, stop the rollout. While
// there are other nodes, a single node is asked once less.
// See docs/RATIONALE.md#when-do-lost-streams-stop-a-rollout.
const lostLimit = 3

// suspect is a node that was sent an unproven revision and has not answered: the stream has ended,
// the node is silent, or the server has ended meanwhile.
// See docs/RATIONALE.md#why-does-each-envoy-version-have-canaries-and-when-is-a-node-a-suspect.
type suspect struct {
	losses int // losses in a row, as seen by this server; 0: the server ended
	why    WaitReason
	since  time.Time // the time of the last loss
	until  time.Time // how long the group waits for the node; zero: no wait
}

// suspicion has the suspects of one revision and one Envoy version.
type suspicion struct {
	nodes map[string]*suspect // by node id
	until time.Time           // the latest until of the nodes
}

// suspects are the suspects of a filter, by revision and Envoy version. The version is "" if a
// state file does not name a version. The zero value has no suspects.
type suspects struct {
	all    map[verdict.Key]*suspicion
	size   int // the number of suspects
	losses int // the sum of all losses
}

// find returns the suspect; nil: the node is no suspect.
func (s *suspects) find(key verdict.Key, node string) *suspect {
	if of := s.all[key]; of != nil {
		return of.nodes[node]
	}
	return nil
}

// add is find, and makes the node a suspect if necessary. nil: there are too many suspects.
func (s *suspects) add(key verdict.Key, node string) *suspect {
	if one := s.find(key, node); one != nil {
		return one
	}
	if s.size >= unsettled.Limit {
		return nil
	}
	if s.all == nil {
		s.all = map[verdict.Key]*suspicion{}
	}
	if s.all[key] == nil {
		s.all[key] = &suspicion{nodes: map[string]*suspect{}}
	}
	s.size++
	one := &suspect{}
	s.all[key].nodes[node] = one
	return one
}

// update recomputes a key's suspicion after a change of the nodes.
func (s *suspects) update(key verdict.Key) {
	of := s.all[key]
	if of == nil {
		return
	}
	of.until = time.Time{}
	for _, one := range of.nodes {
		if one.until.After(of.until) {
			of.until = one.until
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
	s.losses -= one.losses
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
		s.losses -= one.losses
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
			one.until = time.Time{}
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

// forgive forgets how often a revision was lost. The waits for nodes go on.
func (s *suspects) forgive(revision string) {
	for key, of := range s.all {
		if key.Revision != revision {
			continue
		}
		for _, one := range of.nodes {
			s.losses -= one.losses
			one.losses = 0
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
		if to := s.add(moved, node); to != nil && to.losses == 0 {
			*to = *one
			s.losses += one.losses
			s.update(moved)
		}
	}
}

// suspectAfterRestart makes suspects of the nodes that got an unproven revision from the former
// process: that process ended before their answers were known.
func (m *Machine) suspectAfterRestart(f *filter) {
	for node, u := range f.unsettled.Sent() {
		key := verdict.Key(u)
		if u.Revision == "" || m.verdicts.Loads(key) {
			continue
		}
		if one := f.suspects.add(key, node); one != nil {
			one.why, one.since, one.until = WaitRestart, m.now, m.now.Add(m.cfg.CanaryPause)
			f.suspects.update(key)
		}
	}
	if f.suspects.size > 0 {
		m.wakeFilter(f, m.now.Add(m.cfg.CanaryPause))
	}
}

// lose notes that a canary's answer will not come: the stream has ended, or the canary is silent.
// If the stream has ended, the canary may have crashed, and the group waits for its return.
func (m *Machine) lose(u *sub, r *snapshot.Revision, why WaitReason) {
	f, key := u.f, verdict.Key{Revision: r.ID, Envoy: u.s.node.Version}
	one := f.suspects.add(key, u.s.node.ID)
	if one == nil {
		return
	}
	one.losses++
	f.suspects.losses++
	one.why, one.since, one.until = why, m.now, time.Time{}
	if why == WaitBack {
		one.until = m.now.Add(m.cfg.CanaryPause)
		m.wakeFilter(f, one.until)
	}
	f.suspects.update(key)
	m.change(f)
}

// acquit notes that an Envoy has answered for a revision. Once an Envoy has loaded the revision, no
// node of that version is a suspect any more. acquit says whether there was a suspect.
func (m *Machine) acquit(u *sub, r *snapshot.Revision) bool {
	if u.f.suspects.size == 0 || r.BuiltIn {
		return false
	}
	key := verdict.Key{Revision: r.ID, Envoy: u.s.node.Version}
	if m.verdicts.Loads(key) {
		return u.f.suspects.dropAll(key)
	}
	return u.f.suspects.drop(key, u.s.node.ID)
}

// held is how long only suspects may be canaries of r in the group; zero: any subscriber may.
func (m *Machine) held(f *filter, g *group, r *snapshot.Revision) (until time.Time) {
	if f.suspects.size == 0 || m.verdicts.Proven(r, g.envoy) {
		return time.Time{}
	}
	for _, envoy := range []string{g.envoy, ""} {
		if of := f.suspects.all[verdict.Key{Revision: r.ID, Envoy: envoy}]; of != nil && of.until.After(until) {
			until = of.until
		}
	}
	if !m.now.Before(until) {
		return time.Time{}
	}
	return until
}

// suspect is the subscriber's node as a suspect of r; nil: no suspect.
func (u *sub) suspect(r *snapshot.Revision) *suspect {
	return u.f.suspects.find(verdict.Key{Revision: r.ID, Envoy: u.s.node.Version}, u.s.node.ID)
}

// isAwaitedSuspect says whether the group waits for the subscriber's node.
func (m *Machine) isAwaitedSuspect(u *sub, r *snapshot.Revision) bool {
	one := u.suspect(r)
	return one != nil && m.now.Before(one.until)
}

// against is the reason not to send r to this Envoy; nil: there is none. Either this Envoy has
// refused r, or was lost with r so often that the cause is taken to be the Envoy's own.
func (m *Machine) against(u *sub, r *snapshot.Revision) *Problem {
	if p := u.refusal(r.ID); p != nil {
		return p
	}
	if u.f.suspects.losses < lostLimit {
		return nil
	}
	if one := u.suspect(r); one != nil && one.losses >= lostLimit {
		return lostProblem(r, u.s.node.Version, map[string]int{u.s.node.ID: one.losses})
	}
	return nil
}

// lost is the reason for which losses of r stop the rollout; nil: they do not. The losses of a node
// do not count if the node loses the stable revision, too: then they say nothing about r. A single
// node stops the rollout only if there is no other node.
func (m *Machine) lost(f *filter, r *snapshot.Revision) *Problem {
	if f.suspects.losses < lostLimit {
		return nil
	}
	for _, key := range sortedKeysOf(f.suspects.all) {
		if key.Revision != r.ID {
			continue
		}
		losses, by := 0, map[string]int{}
		for node, one := range f.suspects.all[key].nodes {
			if one.losses == 0 || f.losesStable(r, key.Envoy, node) {
				continue
			}
			losses += one.losses
			by[node] = one.losses
		}
		if losses >= lostLimit && (len(by) > 1 || !f.hasOthers(by)) {
			return lostProblem(r, key.Envoy, by)
		}
	}
	return nil
}

// losesStable says whether the node was lost with the stable revision, too. False if r is stable.
func (f *filter) losesStable(r *snapshot.Revision, envoy, node string) bool {
	if f.stable == nil || f.stable.ID == r.ID {
		return false
	}
	one := f.suspects.find(verdict.Key{Revision: f.stable.ID, Envoy: envoy}, node)
	return one != nil && one.losses > 0
}

// hasOthers says whether the filter has an Envoy beside those nodes.
func (f *filter) hasOthers(nodes map[string]int) bool {
	return slices.ContainsFunc(f.subs, func(u *sub) bool {
		_, one := nodes[u.s.node.ID]
		return !one && !u.closed && u.group != nil
	})
}

func lostProblem(r *snapshot.Revision, envoy string, by map[string]int) *Problem {
	losses, words := 0, make([]string, 0, len(by))
	for _, node := range sortedKeys(by) {
		losses += by[node]
		words = append(words, fmt.Sprintf("%s (%d)", quoted(node), by[node]))
	}
	const most = 5
	if more := len(words) - most; more > 0 {
		words = append(words[:most], fmt.Sprintf("%d more", more))
	}
	return &Problem{
		Code:     CodeCanaryLost,
		Revision: r.ID,
		Message: fmt.Sprintf("Envoys of version %s lost their stream, or fell silent, %d times in a row while they loaded revision %s: %s",
			cmp.Or(envoy, "(unknown)"), losses, r.ID, strings.Join(words, ", ")),
		Hint: "look for a crash in that Envoy's log; an edit of the module or its configuration starts a new rollout, `wasm-xds retry` tries this revision again",
	}
}

// quoted is a node's id as messages name it.
func quoted(node string) string { return cmp.Or(node, "(no node id)") }

func sortedKeysOf(all map[verdict.Key]*suspicion) []verdict.Key {
	keys := make([]verdict.Key, 0, len(all))
	for key := range all {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b verdict.Key) int {
		return cmp.Or(strings.Compare(a.Revision, b.Revision), strings.Compare(a.Envoy, b.Envoy))
	})
	return keys
}
