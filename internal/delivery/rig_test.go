package delivery

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// rig plays a scenario line by line: events go in, and pushes come out as text, `<stream> <name>
// <content> <variant>`, with `& <name>` for a push in the response of the line before.
type rig struct {
	t       *testing.T
	m       *Machine
	now     time.Time
	memory  Memory
	filters map[string]*snapshot.Filter
	names   map[string]string // revision id → the content as a test calls it
	last    map[StreamID]Send
	newest  map[string]Version    // by name
	waiting map[StreamID][]string // names with a due answer, the oldest first
	sent    []string
	forget  time.Duration // how long a removed filter is kept
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, now: time.Unix(1000, 0), filters: map[string]*snapshot.Filter{}, names: map[string]string{}, last: map[StreamID]Send{}, waiting: map[StreamID][]string{}, newest: map[string]Version{}}
	r.restart()
	return r
}

func (r *rig) restart() {
	epoch := uint32(1)
	if r.m != nil {
		epoch = r.m.cfg.Epoch + 1
	}
	r.m = New(Config{Epoch: epoch, Substitutes: realStandIns{}, ForgetRemoved: r.forget}, r.memory, r.now)
}

func (r *rig) step(e Event) {
	r.t.Helper()
	for _, a := range r.m.Step(r.now, e) {
		switch a := a.(type) {
		case Send:
			r.last[a.Stream], r.newest[a.Name] = a, a.Version
			r.waiting[a.Stream] = append(r.waiting[a.Stream], a.Name)
			r.sent = append(r.sent, fmt.Sprintf("%d %s %s %s", a.Stream, a.Name, r.called(a.Revision.ID), a.Version.Variant))
			for _, o := range a.Others {
				r.newest[o.Name] = o.Version
				r.sent = append(r.sent, fmt.Sprintf("%d & %s %s %s", a.Stream, o.Name, r.called(o.Revision.ID), o.Version.Variant))
			}
		case Forgotten:
			delete(r.filters, a.Name)
			r.nameStandIns(a.Name)
			r.sent = append(r.sent, "forgot "+a.Name)
		case Persist:
			unsettled := r.memory.Unsettled
			r.memory = r.m.Memory()
			r.memory.Unsettled = unsettled
		case PersistUnsettled:
			r.memory.Unsettled = r.m.Unsettled()
		}
	}
}

// version is the version sent last under the name, to any stream.
func (r *rig) version(name string) Version { return r.newest[name] }

func (r *rig) called(id string) string {
	if name := r.names[id]; name != "" {
		return name
	}
	for name := range r.filters {
		r.nameStandIns(name)
	}
	r.nameStandIns("ghost")
	if name := r.names[id]; name != "" {
		return name
	}
	return "?" + id
}

func (r *rig) nameStandIns(filter string) {
	for _, t := range []spec.Type{spec.HTTP, spec.Network} {
		r.names[(realStandIns{}).Passthrough(filter, t, "").ID] = "pass/" + string(t)
		for _, reason := range denyReasons {
			r.names[(realStandIns{}).Deny(filter, t, reason, "").ID] = "deny/" + string(t)
		}
	}
}

// want checks the pushes since the last look.
func (r *rig) want(lines ...string) {
	r.t.Helper()
	if !slices.Equal(r.sent, lines) {
		r.t.Fatalf("sent:\n  %s\nwant:\n  %s", strings.Join(r.sent, "\n  "), strings.Join(lines, "\n  "))
	}
	r.sent = nil
}

type option func(*snapshot.Filter)

func policy(p spec.FailurePolicy) option { return func(f *snapshot.Filter) { f.Policy = p } }
func by(d spec.Delivery) option          { return func(f *snapshot.Filter) { f.Delivery = d } }
func canary(c spec.Canary) option        { return func(f *snapshot.Filter) { f.Canary = c } }
func size(n int64) option                { return func(f *snapshot.Filter) { f.Revision.Module.Size = n } }
func disabled(f *snapshot.Filter)        { f.Disabled = true }

func gone(o spec.OnRemove) option {
	return func(f *snapshot.Filter) { f.Removed, f.OnRemove = true, o }
}

// edit makes a filter want the content of that name.
func (r *rig) edit(name, content string, options ...option) {
	r.t.Helper()
	rev := (&snapshot.Revision{
		Filter: name, Type: spec.HTTP, Policy: spec.Closed, RootID: content,
		Module: snapshot.Module{SHA256: fmt.Sprintf("%064x", len(content)), Size: 1000},
		VM:     snapshot.VM{Runtime: "envoy.wasm.runtime.v8"},
	}).Seal()
	r.names[rev.ID] = content
	f := &snapshot.Filter{
		Name: name, Type: spec.HTTP, Revision: rev, Policy: spec.Closed, Delivery: spec.Remote,
		Canary: spec.Canary{Count: 1}, OnRemove: spec.Keep,
	}
	for _, o := range options {
		o(f)
	}
	r.filters[name] = f
	r.publish()
}

func (r *rig) publish() {
	r.t.Helper()
	var all []*snapshot.Filter
	for _, f := range r.filters {
		all = append(all, f)
	}
	r.step(SnapshotChanged{Snapshot: snapshot.New(all)})
}

type connection struct {
	version  string
	ads      bool
	sotw     bool
	runtimes []string
	node     string
	host     string
	accepted map[string]string
}

func (r *rig) connect(id StreamID, c connection, names ...string) {
	r.t.Helper()
	if c.version == "" {
		c.version = "1.40.0"
	}
	if c.node == "" {
		c.node = fmt.Sprintf("edge-%d", id)
	}
	r.step(StreamOpened{Stream: id, Node: Node{ID: c.node, Host: c.host, Version: c.version, Runtimes: c.runtimes}, ADS: c.ads, Delta: !c.sotw})
	var subs []Subscription
	for _, name := range names {
		subs = append(subs, Subscription{Name: name, Accepted: c.accepted[name], Replay: c.sotw && c.accepted[name] != ""})
	}
	r.step(Requested{Stream: id, Subscribe: subs})
}

// oldest is the name of the oldest response without an answer, which now gets an answer.
func (r *rig) oldest(id StreamID) string {
	r.t.Helper()
	if len(r.waiting[id]) == 0 {
		r.t.Fatalf("stream %d: nothing is outstanding", id)
	}
	name := r.waiting[id][0]
	r.waiting[id] = r.waiting[id][1:]
	return name
}

func (r *rig) ack(id StreamID) {
	r.t.Helper()
	r.step(Requested{Stream: id, Answer: &Answer{Name: r.oldest(id)}})
}

const unable = "Unable to create Wasm plugin"

func (r *rig) nack(id StreamID, message string) {
	r.t.Helper()
	r.step(Requested{Stream: id, Answer: &Answer{Name: r.oldest(id), Nack: true, Message: message}})
}

// unreadable says the oldest response could not be made.
func (r *rig) unreadable(id StreamID) {
	r.t.Helper()
	r.step(BuildFailed{Stream: id, Name: r.oldest(id), Reason: "the module is damaged"})
}

func (r *rig) fetched(id StreamID, complete bool) {
	r.t.Helper()
	token := r.last[id].Version.Salt
	r.step(FetchStarted{Token: token})
	r.step(FetchFinished{Token: token, Complete: complete})
}

func (r *rig) taken(id StreamID) {
	r.t.Helper()
	token := r.last[id].Version.Salt
	r.step(FetchStarted{Token: token})
	r.step(FetchFinished{Token: token, Complete: true, Taken: true})
}

func (r *rig) pass(d time.Duration) {
	r.t.Helper()
	r.now = r.now.Add(d)
	r.step(Woken{})
}

// state is `<state> <running content> <code of the problem>` of the filter on a stream.
func (r *rig) state(id StreamID, name string) string {
	r.t.Helper()
	st, _ := r.m.Status(name)
	for _, s := range st.Subscribers {
		if s.Stream != id {
			continue
		}
		words := []string{s.State.String()}
		if s.Revision != "" {
			words = append(words, r.called(s.Revision))
		}
		if s.Problem != nil {
			words = append(words, s.Problem.Code)
		}
		return strings.Join(words, " ")
	}
	return "none"
}

func (r *rig) wantState(id StreamID, name, want string) {
	r.t.Helper()
	if got := r.state(id, name); got != want {
		r.t.Fatalf("stream %d, %s: status %q, want %q", id, name, got, want)
	}
}

// live brings a filter with that content to live on plain delta streams.
func (r *rig) live(name, content string, ids ...StreamID) {
	r.t.Helper()
	r.edit(name, content)
	for _, id := range ids {
		r.connect(id, connection{}, name)
		r.want(fmt.Sprintf("%d %s %s inline", id, name, content))
		r.ack(id)
		r.wantState(id, name, "live "+content)
	}
}
