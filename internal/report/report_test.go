package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/builtin"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/internal/fleet"
	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/internal/tags"
	"github.com/wasm-xds/wasm-xds/internal/track"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

var now = time.Unix(1_700_000_000, 0)

// world is a state without a server around it.
type world struct {
	View
	t *testing.T
}

func newWorld(t *testing.T) *world {
	pauses := pause.Policy{First: time.Second, Most: time.Minute}
	known := tags.New(pauses)
	return &world{t: t, View: View{
		Machine: delivery.New(delivery.Config{Substitutes: builtin.NewCache()}, delivery.Memory{}, now),
		Specs:   track.New(track.Config{Tags: known, Delivery: spec.Remote, Places: 1, Pauses: pauses}),
		Tags:    known, Fleet: fleet.New(), Snapshot: snapshot.New(nil), Began: now,
	}}
}

func fileSpec(name, config string) *spec.Spec {
	return &spec.Spec{
		Name: name, Type: spec.HTTP, Policy: spec.Closed, OnRemove: spec.Keep, File: "/specs/" + name + ".yaml", Config: &config,
		Module: spec.Module{File: &spec.FileRef{Path: "/m.wasm", Pos: spec.Position{File: "/specs/" + name + ".yaml", Line: 4}}},
		VM:     spec.VM{Runtime: "envoy.wasm.runtime.v8"},
	}
}

// take takes specs as the newest set, reads their local files, and makes the plan.
func (w *world) take(specs ...*spec.Spec) {
	set := source.Set{Specs: specs, References: map[string]string{}}
	w.Specs.TakeSet(&set)
	work := w.Specs.Advance(now)
	for _, task := range work.Start {
		if !task.Slow() {
			w.Specs.TakeResult(task, track.Result{Module: snapshot.Module{SHA256: "aa", Size: 8}}, now)
		}
	}
	w.Specs.Advance(now)
	w.plan()
}

func (w *world) plan() {
	w.Plan = desired.Make(desired.Input{
		Previous: w.Snapshot, Set: *w.Specs.Set(), Made: w.Specs.Made(), Unfinished: w.Specs.Unfinished(), Pins: w.Plan.Pins, Delivery: spec.Remote,
	})
	w.Snapshot = w.Snapshot.With(w.Plan.Filters)
	w.step(delivery.SnapshotChanged{Snapshot: w.Snapshot})
}

func (w *world) step(e delivery.Event) {
	if e, ok := e.(delivery.StreamOpened); ok {
		w.Fleet.Open(e, now)
	}
	for _, a := range w.Machine.Step(now, e) {
		if send, ok := a.(delivery.Send); ok { // the Envoy takes everything
			w.step(delivery.Requested{Stream: send.Stream, Answer: &delivery.Answer{Name: send.Name}})
		}
	}
}

func (w *world) connect(id delivery.StreamID, node string, names ...string) {
	w.step(delivery.StreamOpened{Stream: id, Node: delivery.Node{ID: node, Version: "1.40.0", Address: "10.0.0.7:4000"}, ADS: true, Delta: true})
	for _, name := range names {
		w.step(delivery.Requested{Stream: id, Subscribe: []delivery.Subscription{{Name: name}}})
	}
}

// filter is a filter in words: its state, and the codes of its error and warnings.
func (w *world) filter(name string) string {
	f, ok := Filter(&w.View, name, now)
	if !ok {
		return "none"
	}
	text := string(f.State)
	if f.Error != nil {
		text += " " + f.Error.Code
	}
	for _, one := range f.Warnings {
		text += " ?" + one.Code
	}
	return text
}

func (w *world) want(what, got, want string) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestAFilter(t *testing.T) {
	w := newWorld(t)
	w.want("before the first set", w.filter("auth"), "none")
	w.connect(1, "edge", "auth", "ahth")
	f, _ := Filter(&w.View, "auth", now)
	w.want("while the specs are unknown", string(f.State)+" "+f.Error.Code, "unknown "+delivery.CodeUnknownFilter)
	if !strings.Contains(f.Error.Message, "the specs have not been read") {
		t.Errorf("the error is %v", f.Error)
	}
	w.take(fileSpec("auth", "one"), fileSpec("other", "one"))
	w.want("with a spec", w.filter("auth"), "active")
	f, _ = Filter(&w.View, "ahth", now)
	w.want("without one", string(f.State), "unknown")
	if !strings.Contains(f.Error.Hint, `did you mean "auth"?`) {
		t.Errorf("the hint is %q", f.Error.Hint)
	}
	if f, _ = Filter(&w.View, "auth", now); len(f.Subscribers) != 1 || f.Subscribers[0].Node != "edge" || f.Subscribers[0].Stream != "1" {
		t.Errorf("the subscribers are %+v", f.Subscribers)
	}
	w.take(fileSpec("other", "one"))
	w.want("removed", w.filter("auth"), "removed "+delivery.CodeKept)
	w.step(delivery.StreamClosed{Stream: 1})
	w.want("removed, and no Envoy asks", w.filter("auth"), "removed ?"+delivery.CodeKept)
}

// A download that pauses is shown with its reason, and a filter's own problem comes first.
func TestWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	s := fileSpec("auth", "one")
	s.Module = spec.Module{URL: "https://example.com/a.wasm", SHA256: "00"}
	w.take(s)
	w.want("a download", w.filter("auth"), "preparing")
	for task := range w.Specs.Running {
		w.Specs.TakeWait(task, transfer.Wait{Why: "example.com answered 503", Until: now})
	}
	w.want("a download that pauses", w.filter("auth"), "preparing "+api.CodeDownloadWaits)
	f, _ := Filter(&w.View, "auth", now)
	w.want("its message", f.Error.Message, "the download of its module waits: example.com answered 503; it goes on at 22:13:20 UTC")
	w.want("missing", Missing(&w.View), "still fetched or tried: auth")
	w.Plan.Checking["auth"] = s
	w.want("in the sandbox", w.filter("auth"), "preparing "+api.CodePreflightRunning)
	w.Plan.Problems["auth"] = &spec.Error{Code: "module_missing"}
	w.want("with a problem", w.filter("auth"), "preparing module_missing")
}

func TestARollback(t *testing.T) {
	w := newWorld(t)
	w.take(fileSpec("auth", "one"))
	first := w.Snapshot.Get("auth").Revision
	w.take(fileSpec("auth", "two"))
	second := w.Snapshot.Get("auth").Revision
	w.Plan.Pins = w.Plan.Pins.RollBack("auth", first, desired.Pin{Instead: second.ID})
	w.plan()
	w.want("the filter", w.filter("auth"), "active "+api.CodeRolledBack)
	h, found := History(&w.View, "auth")
	if !found || len(h.Revisions) == 0 {
		t.Fatalf("the history is %+v", h)
	}
	wanted := ""
	for _, r := range h.Revisions {
		if r.Wanted {
			wanted += r.Revision
		}
	}
	w.want("the revision that the spec describes", wanted, second.ID)
	if _, found := History(&w.View, "other"); found {
		t.Error("a name without a filter has a history")
	}
}

func TestTotals(t *testing.T) {
	w := newWorld(t)
	w.take(fileSpec("auth", "one"), fileSpec("other", "one"))
	w.connect(1, "edge", "auth", "unknown")
	w.Plan.Problems["other"] = &spec.Error{Code: "module_missing"}
	counts := Counts(&w.View)
	w.want("filters", fmt.Sprint(counts.Filters), "map[active:2 unknown:1]")
	if counts.WithError != 2 || len(counts.PerFilter) != 3 {
		t.Errorf("the counts are %+v", counts)
	}
	s := Snapshot(&w.View)
	w.want("the snapshot", s.Version+" "+s.LoadedFrom, w.Snapshot.Version()+" directory")
	w.FromState = true
	w.want("a snapshot of before", Snapshot(&w.View).LoadedFrom, "state")
	out := Sync(&w.View)
	if len(out.Filters) != 2 || out.Filters[1].Error == nil || out.Filters[0].Revision != w.Snapshot.Get("auth").Revision.ID {
		t.Errorf("the sync is %+v", out)
	}
}

func TestEnvoys(t *testing.T) {
	w := newWorld(t)
	w.take(fileSpec("auth", "one"))
	w.connect(7, "edge", "auth")
	n, ok := Node(&w.View, 7)
	if !ok || n.Mode != "ads-delta" || n.Stream != "7" || len(n.Filters) != 1 || n.Filters[0].Name != "auth" || !n.Since.Equal(now) {
		t.Errorf("a node is %+v", n)
	}
	if _, ok := Node(&w.View, 8); ok {
		t.Error("there is a stream that was not opened")
	}
	w.Fleet.Close(7, NodeFilters(&w.View, 7), now)
	w.step(delivery.StreamClosed{Stream: 7})
	if gone := Gone(&w.View, now); len(gone) != 1 || gone[0].State != api.NodeGone || len(gone[0].Filters) != 1 {
		t.Errorf("gone are %+v", gone)
	}
}

func TestEvents(t *testing.T) {
	w := newWorld(t)
	w.take(fileSpec("auth", "one"))
	w.connect(1, "edge", "unknown")
	w.Plan.Problems["auth"] = &spec.Error{Code: "module_missing"}
	for name, want := range map[string]string{"auth": "active module_missing", "unknown": "unknown ", "never": "forgotten "} {
		e := Event(&w.View, name, now)
		w.want(name, e.State+" "+e.Error, want)
	}
}
