package delivery

import (
	"hash/fnv"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
)

// replica is this server's place among the replicas of its fleet. A nil replica decides alone.
type replica struct {
	name      string
	term      int64     // the present term; 0: the replica does not lead
	ledSince  time.Time // when the term began
	leader    string    // the name of the leader; "": not known
	reached   bool      // the ledger answers
	why       string    // why it does not
	synced    bool      // the ledger has told everything once
	seen      int64     // the highest write of a record that was carried out
	confirmed map[verdict.Key]verdict.Verdict
	judging   map[verdict.Key]struct{} // refusals on their way to the ledger
}

func newReplica(name string) *replica {
	if name == "" {
		return nil
	}
	return &replica{name: name, confirmed: map[verdict.Key]verdict.Verdict{}, judging: map[verdict.Key]struct{}{}}
}

// saltEpoch makes the salts of replicas differ: their epochs are small numbers, and may be equal.
func saltEpoch(replica string, epoch uint32) uint32 {
	if replica == "" {
		return epoch
	}
	h := fnv.New32a()
	h.Write([]byte(replica))
	return h.Sum32() + epoch
}

// led notes the leader, and says whether this replica has begun to lead.
func (p *replica) led(e ledger.Led, now time.Time) (begun bool) {
	begun = e.Term != 0 && e.Term != p.term
	p.term, p.leader = e.Term, e.Leader
	if begun {
		p.ledSince = now
	}
	return begun
}

// reach notes whether the ledger answers, and says whether everything was told for the first time.
func (p *replica) reach(e ledger.Reached) (first bool) {
	p.reached, p.why = e.OK, e.Why
	first = e.OK && !p.synced
	p.synced = p.synced || e.OK
	return first
}

// mayPropose says whether the replica leads, as far as it knows, and reaches the ledger.
func (p *replica) mayPropose() bool { return p.term != 0 && p.reached && p.synced }

// saw notes that a record was carried out.
func (p *replica) saw(mod int64) { p.seen = max(p.seen, mod) }

// confirm notes a verdict of the ledger.
func (p *replica) confirm(v ledger.Verdict, gone bool) {
	if !v.Loads && !gone {
		delete(p.judging, v.Key())
	}
	if gone {
		delete(p.confirmed, v.Key())
		return
	}
	p.confirmed[v.Key()] = verdict.Verdict{Loads: v.Loads, Message: v.Message}
}

// isConfirmed says whether the ledger has a verdict.
func (p *replica) isConfirmed(key verdict.Key) bool {
	_, is := p.confirmed[key]
	return is
}

// judges notes that a refusal is on its way to the ledger.
func (p *replica) judges(key verdict.Key) { p.judging[key] = struct{}{} }

// isJudging says whether a refusal is on its way to the ledger.
func (p *replica) isJudging(key verdict.Key) bool {
	_, is := p.judging[key]
	return is
}

// retry notes that a revision is tried again.
func (p *replica) retry(revision string) {
	for key := range p.judging {
		if key.Revision == revision {
			delete(p.judging, key)
		}
	}
}
