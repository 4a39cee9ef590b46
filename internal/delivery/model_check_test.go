package delivery

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// checkOutstanding checks the responses outstanding on a stream. SotW cannot tell the answers of
// two responses apart, and a doubtful push is alone.
func (w *world) checkOutstanding(a Send) {
	before := w.answering[a.Stream]
	if before == nil {
		before = map[string]Send{}
		w.answering[a.Stream] = before
	}
	e := w.streams[a.Stream]
	if e == nil {
		w.failf("stream %d: something is sent after its end", a.Stream)
		return
	}
	first := len(before) == 0
	loads := 0
	for _, r := range resources(a) {
		if _, again := before[r.Name]; again {
			w.failf("stream %d: two responses with %s outstanding", a.Stream, r.Name)
		}
		before[r.Name] = a
	}
	for name, other := range before {
		for _, r := range resources(other) {
			if r.Name == name && e.provider(name).accepted != r.Version.String() {
				loads++
			}
			if len(before) > 1 && (other.Unproven || w.mayBeRefused(e, r)) {
				w.failf("stream %d: %s, which may be refused, is not alone", a.Stream, r.Version)
			}
		}
	}
	if e.unlisted && (a.Unproven || w.mayBeRefused(e, a.Resource)) {
		w.failf("stream %d: %s may be refused, and would leave a version_info that says nothing", a.Stream, a.Version)
	}
	if a.More {
		w.more++
		if e.delta {
			w.failf("stream %d: more follows in delta, which lists nothing", a.Stream)
		}
	}
	w.checkShared(e, a)
	if first {
		return
	}
	w.pipelined++
	if !e.delta || loads > w.m.cfg.Window || w.singly[a.Stream] {
		w.failf("stream %d: %d resources outstanding", a.Stream, loads)
	}
}

// mayBeRefused says whether the resource is remote code the Envoy has not named as accepted.
func (w *world) mayBeRefused(e *modelEnvoy, r Resource) bool {
	return r.Version.Variant == Remote && e.provider(r.Name).accepted != r.Version.String()
}

// checkShared checks that pushes likely to be refused share no response.
func (w *world) checkShared(e *modelEnvoy, a Send) {
	if len(a.Others) == 0 {
		return
	}
	w.shared++
	if w.singly[a.Stream] {
		w.failf("stream %d: several resources in a response after one such was refused", a.Stream)
	}
	for _, r := range resources(a) {
		p := e.provider(r.Name)
		settled := p.accepted == r.Version.String()
		switch {
		case e.delta && p.accepted != "":
			w.failf("stream %d: %s shares a response in delta, where the Envoy would name what it has now", a.Stream, r.Version)
		case settled, p.unheard:
		case r.Version.Variant == Remote, p.doubted == r.Revision.ID, r.Version.Variant == File && !e.readFile, w.bad[r.Revision.ID],
			r.Revision.BuiltIn && p.accepted == "":
			w.failf("stream %d: %s may be refused and shares a response: %+v", a.Stream, r.Version, *p)
		}
	}
}

// checkStatus checks that a subscriber shown as live runs its revision.
func (w *world) checkStatus(e *modelEnvoy) {
	if e.stream == 0 || len(e.inbox)+len(e.outbox) > 0 {
		return
	}
	for _, name := range e.names {
		st, _ := w.m.Status(name)
		for _, s := range st.Subscribers {
			if s.Stream != e.stream || s.State != Live {
				continue
			}
			p := e.provider(name)
			if s.Revision != "" && (p.running == nil || p.running.ID != s.Revision) {
				w.failf("%s: status says %s is live at %s, but it runs %v", e.id, name, s.Revision, p.running)
			}
		}
	}
}

// checkCounts checks that the counts agree with a listing.
func (w *world) checkCounts() {
	listed := map[State]int{}
	for _, name := range w.m.Names() {
		st, _ := w.m.Status(name)
		for _, s := range st.Subscribers {
			listed[s.State]++
		}
		if len(st.Subscribers) != st.Count {
			w.failf("%s: %d subscribers are counted, %d listed", name, st.Count, len(st.Subscribers))
		}
	}
	for state, n := range w.m.Counts() {
		if n != listed[state] {
			w.failf("%d subscribers are counted as %s, %d listed", n, state, listed[state])
		}
	}
}

// checkForgotten checks that nothing is left of a forgotten filter, and that no connected Envoy
// with the name ran a revision of the filter.
func (w *world) checkForgotten(name string) {
	for _, f := range w.m.Memory().Filters {
		if f.Name == name {
			w.failf("%s is forgotten and in the memory", name)
		}
	}
	w.forgot[name] = true
	if f := w.snapshot.Get(name); f != nil && f.Revision != nil {
		w.forgetStops(f.Revision.ID)
	}
	if _, noted := w.m.Unsettled().Filters[name]; noted || w.m.Snapshot().Get(name) != nil {
		w.failf("%s is forgotten and remembered all the same", name)
	}
	for _, e := range w.envoys {
		p := e.provider(name)
		if e.stream != 0 && !p.unheard && !e.unlisted && p.accepted != "" && p.running != nil && !p.running.BuiltIn {
			w.failf("%s runs and asks for %s, which is forgotten", e.id, name)
		}
	}
}

// checkUnknown checks the count of names without a spec.
func (w *world) checkUnknown() {
	n := 0
	for _, s := range w.m.streams {
		for _, u := range s.subs {
			if u.f.wanted == nil {
				n++
			}
		}
	}
	if n != w.m.specs.unknown.sum.names {
		w.failf("%d names without a spec are counted, and there are %d", w.m.specs.unknown.sum.names, n)
	}
}

// checkSettled checks the invariants of a world at rest.
func (w *world) checkSettled() {
	w.checkCounts()
	w.checkUnknown()
	for _, e := range w.envoys {
		for _, name := range e.names {
			p := e.provider(name)
			f := w.snapshot.Get(name)
			if p.running == nil {
				w.failf("%s: %s has no config: its listener would not open", e.id, name)
				continue
			}
			// An Envoy away while the filter was forgotten keeps the revision until another
			// revision is known to load.
			isLeftAlone := w.forgot[name] && !p.running.BuiltIn &&
				!slices.ContainsFunc(w.m.Revisions(), func(r *snapshot.Revision) bool { return r.ID == p.running.ID })
			if p.poisoned && !p.orphaned && !isLeftAlone && !w.moodyAbout[p.running.ID] {
				w.failf("%s: %s has refused bytes stored: its listener's next update would fail", e.id, name)
			}
			if f == nil || f.Disabled || f.Removed && f.OnRemove != spec.Keep || w.bad[f.Revision.ID] || f.Revision.RefusalFor(e.version) != nil || w.isFrozen(name) {
				continue
			}
			if !w.moodyAbout[f.Revision.ID] && p.running.ID != f.Revision.ID {
				w.failf("%s: %s should run %s and runs %s", e.id, name, f.Revision.ID, p.running.ID)
			}
		}
		if e.unlisted {
			w.failf("%s: its version_info says that more follows, and nothing does", e.id)
		}
		w.checkStatus(e)
	}
}

func (w *world) report() string {
	tail := w.log[max(0, len(w.log)-60):]
	return strings.Join(w.problems, "\n") + "\n\nlast events:\n" + strings.Join(tail, "\n")
}

func answerText(e Event) string {
	if r, ok := e.(Requested); ok && r.Answer != nil {
		return fmt.Sprintf("%+v", *r.Answer)
	}
	return ""
}
