package control

import (
	"fmt"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/events"
	"github.com/wasm-xds/wasm-xds/internal/report"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// notices publish the notable events of filters, and count the rollouts by outcome. They belong to
// Run's goroutine.
type notices struct {
	view    *report.View
	hub     *events.Hub
	metrics Metrics
	tracing tracing

	live    map[string]string   // by filter: the last revision that ran everywhere
	rolling map[string]*rolling // by filter: the revision on its way
	refused map[string]string   // by filter: the last refusal that was published
}

// rolling is a revision on its way to all Envoys.
type rolling struct {
	revision string
	since    time.Time // when the edit was seen
	timed    bool      // an Envoy that was there before the edit runs the revision
}

// mostRefused bounds the remembered refusals. Filters that never had a revision are not forgotten.
const mostRefused = 20_000

// The outcomes of rollouts in the metrics.
const (
	rolloutLive       = "live"
	rolloutRefused    = "refused"
	rolloutLost       = "lost"
	rolloutSuperseded = "superseded"
)

// newNotices takes the revisions that an earlier process had served: they are no news.
func newNotices(cfg Config, v *report.View, hub *events.Hub, now time.Time) *notices {
	hub.Notify(cfg.Notify)
	n := &notices{view: v, hub: hub, metrics: cfg.Metrics, tracing: newTracing(cfg.Trace, v), live: map[string]string{}, rolling: map[string]*rolling{}, refused: map[string]string{}}
	for _, f := range v.Snapshot.All() {
		st, _ := v.Machine.Brief(f.Name)
		if st.Stable != nil {
			n.live[f.Name] = st.Stable.ID
		}
		if st.Candidate != nil {
			n.rolling[f.Name] = &rolling{revision: st.Candidate.ID, since: now}
		}
	}
	return n
}

// published notes that filters differ from the snapshot before.
func (n *notices) published(names []string, now time.Time) {
	for _, name := range names {
		w := n.view.Snapshot.Get(name)
		before := n.rolling[name]
		switch {
		case w == nil || w.Removed || w.Disabled || w.Revision == nil:
			n.end(name, rolloutSuperseded)
		case before != nil && before.revision == w.Revision.ID, before == nil && n.live[name] == w.Revision.ID:
		default:
			n.end(name, rolloutSuperseded)
			since := now
			if one := n.view.Specs.Get(name); one != nil && one.Revision() != nil && one.Revision().ID == w.Revision.ID {
				since = one.Began()
			}
			n.rolling[name] = &rolling{revision: w.Revision.ID, since: since}
		}
	}
}

// end counts the outcome of a filter's rollout, if there is one.
func (n *notices) end(name, outcome string) {
	if n.rolling[name] != nil {
		delete(n.rolling, name)
		n.metrics.RolloutEnded(outcome)
	}
}

// wentLive notes that an Envoy of before the edit runs a revision.
func (n *notices) wentLive(name string) {
	if one := n.rolling[name]; one != nil {
		one.timed = true
	}
}

// changed looks whether the revision on its way runs everywhere now.
func (n *notices) changed(name string, now time.Time) {
	one := n.rolling[name]
	if one == nil {
		return
	}
	s := n.view.Machine.Spread(name)
	if !s.Done || s.Revision.ID != one.revision {
		return
	}
	text := fmt.Sprintf("revision %s of %s is live on %s", one.revision, name, envoysText(s))
	if one.timed {
		took := now.Sub(one.since)
		n.metrics.Converged(name, took)
		text += fmt.Sprintf(", %v after the change", took.Round(time.Millisecond))
	}
	n.end(name, rolloutLive)
	n.tracing.Live(name, one.revision, now)
	n.hub.Publish(api.Event{
		Type: api.EventLive, Name: name, Revision: one.revision, Previous: n.live[name], Message: text, Time: now,
	})
	n.live[name] = one.revision
	delete(n.refused, name)
}

// envoysText is "all 3 places that ask for it", or "3 of 4".
func envoysText(s delivery.Spread) string {
	if s.Without > 0 {
		return fmt.Sprintf("%d of %d subscribers: the others cannot run it", s.Live, s.Live+s.Without)
	}
	if s.Live == 1 {
		return "its only subscriber"
	}
	return fmt.Sprintf("all %d subscribers", s.Live)
}

// refusal is a refusal of a filter's newest content.
type refusal struct {
	name, revision string
	cause          api.Cause
	node           string // the Envoy; "": none
	problem        *api.Error
}

// refuse publishes a refusal once for each content and cause.
func (n *notices) refuse(r refusal, now time.Time) {
	key := fmt.Sprint(r.cause, " ", r.revision)
	if r.revision == "" {
		key += r.problem.Error()
	}
	if n.refused[r.name] == key {
		return
	}
	if len(n.refused) >= mostRefused {
		clear(n.refused) // at worst, a refusal is published twice
	}
	n.refused[r.name] = key
	n.metrics.Refused(r.cause)
	n.tracing.refused(r.name, r.revision, r.cause, r.problem, now)
	if r.cause == api.CauseEnvoy || r.cause == api.CauseLost {
		if one := n.rolling[r.name]; one != nil && one.revision == r.revision {
			n.end(r.name, outcomeOf(r.cause))
		}
	}
	n.hub.Publish(api.Event{
		Type: api.EventRefused, Name: r.name, Revision: r.revision, Previous: n.live[r.name], Cause: r.cause, Node: r.node,
		Error: r.problem.Code, Message: refusedText(r, n.live[r.name]), Problem: r.problem, Time: now,
	})
}

func outcomeOf(c api.Cause) string {
	if c == api.CauseLost {
		return rolloutLost
	}
	return rolloutRefused
}

// refuseSpec publishes that a spec's newest content cannot be served.
func (n *notices) refuseSpec(cause api.Cause, revision string, e *spec.Error, now time.Time) {
	name := e.Name
	if name == "" {
		name = e.Pos.File
	}
	n.refuse(refusal{name: name, revision: revision, cause: cause, problem: api.FromSpec(e)}, now)
}

// refusedText is "revision 1f0 of auth is refused by the sandbox: …; revision 2ab is served on".
func refusedText(r refusal, served string) string {
	of := r.name
	if r.revision != "" {
		of = "revision " + r.revision + " of " + r.name
	}
	by := map[api.Cause]string{
		api.CauseSpec: "the spec cannot be used", api.CauseModule: "its module or configuration cannot be had",
		api.CauseSandbox: "the sandbox refuses it", api.CauseEnvoy: "an Envoy refuses it", api.CauseLost: "Envoys were lost with it",
	}[r.cause]
	text := fmt.Sprintf("%s is not served: %s: %s", of, by, r.problem.Message)
	if served != "" && served != r.revision {
		text += "; revision " + served + " is served on"
	}
	return text
}

// rolledBack publishes that a user has gone back to an earlier revision.
func (n *notices) rolledBack(name, to, from string, now time.Time) {
	n.hub.Publish(api.Event{
		Type: api.EventRolledBack, Name: name, Revision: to, Previous: from, Cause: api.CauseHand, Time: now,
		Message: fmt.Sprintf("%s goes back to revision %s by hand, in place of revision %s", name, to, from),
	})
}

// retried lets the next refusal of a filter be news again.
func (n *notices) retried(name string) { delete(n.refused, name) }

// forget drops a filter.
func (n *notices) forget(name string) {
	n.end(name, rolloutSuperseded)
	delete(n.live, name)
	delete(n.refused, name)
}
