package control

import (
	"cmp"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/report"
	"github.com/wasm-xds/wasm-xds/internal/trace"
	"github.com/wasm-xds/wasm-xds/internal/track"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// tracing tells a recorder of spans what happens. Without a recorder it does nothing. It belongs to
// Run's goroutine.
type tracing struct {
	*trace.Recorder // nil: none
	view            *report.View
}

func newTracing(emit func(trace.Span), v *report.View) tracing {
	if emit == nil {
		return tracing{}
	}
	return tracing{trace.New(emit), v}
}

// begun notes that specs have changed.
func (t tracing) begun(all []*spec.Spec, now time.Time) {
	if t.Recorder == nil {
		return
	}
	for _, one := range all {
		t.Seen(one.Name, one.File, now)
	}
}

// settled drops the edits that changed nothing.
func (t tracing) settled() {
	if t.Recorder == nil {
		return
	}
	t.Settled(func(filter string) bool {
		one := t.view.Specs.Get(filter)
		return one == nil || one.Phase() == track.Ready
	})
}

// read notes the end of reads.
func (t tracing) read(m tasksEnded, now time.Time) {
	if t.Recorder == nil {
		return
	}
	for i, task := range m.tasks {
		name, result := "read the configuration", m.results[i]
		switch {
		case task.Slow():
			name = "download the module"
		case task.Module != nil:
			name = "read the module"
		}
		problem := ""
		if result.Err != nil {
			problem = result.Err.Message
		}
		t.Part(task.Name, name, task.Began(), now, problem,
			trace.Attribute{Key: "module.sha256", Value: result.Module.SHA256}, trace.Attribute{Key: "module.size", Value: int(result.Module.Size)})
	}
}

// checked notes the end of a check in the sandbox.
func (t tracing) checked(m checkEnded, now time.Time) {
	if t.Recorder == nil || m.Cancelled {
		return
	}
	problem := ""
	switch {
	case m.Err != nil:
		problem = m.Err.Message
	case len(m.Findings.Errors) > 0:
		problem = m.Findings.Errors[0].In(m.Check.Spec).Message
	}
	t.Part(m.Check.Spec.Name, "check in the sandbox", now.Add(-m.took), now, problem)
}

// published notes that revisions go to Envoys.
func (t tracing) published(one change, now time.Time) {
	if t.Recorder == nil {
		return
	}
	for _, name := range one.names {
		f, before := one.now.Get(name), one.before.Get(name)
		if f == nil || f.Revision == nil || f.Removed || f.Disabled {
			continue
		}
		if before == nil || before.Revision == nil || before.Revision.ID != f.Revision.ID {
			t.Published(name, f.Revision.ID, f.SpecFile, now)
		}
	}
}

// refused notes that a content is not served.
func (t tracing) refused(name, revision string, cause api.Cause, problem *api.Error, now time.Time) {
	if t.Recorder == nil {
		return
	}
	if cause == api.CauseSpec {
		t.Seen(name, problem.File, now) // a document with an error has no journey
	}
	t.Refused(name, revision, problem.Message, now)
}

// event notes an event before the machine takes it.
func (t tracing) event(e delivery.Event, now time.Time) {
	if t.Recorder == nil {
		return
	}
	switch e := e.(type) {
	case delivery.Requested:
		if e.Answer != nil && !e.Answer.Nack {
			t.Answered(uint64(e.Stream), e.Answer.Name, "", now)
		}
	case delivery.FetchStarted:
		t.Fetching(e.Token, now)
	case delivery.FetchFinished:
		t.Fetched(e.Token, e.Complete, now)
	case delivery.StreamClosed:
		t.Closed(uint64(e.Stream), now)
	}
}

// action notes an action of the machine. Its messages have no secrets.
func (t tracing) action(a delivery.Action, now time.Time) {
	if t.Recorder == nil {
		return
	}
	switch a := a.(type) {
	case delivery.Send:
		others := make([]trace.Push, len(a.Others))
		for i, r := range a.Others {
			others[i] = t.push(a, r)
		}
		t.Sent(uint64(a.Stream), now, t.push(a, a.Resource), others...)
	case delivery.WasRefused:
		t.Answered(uint64(a.Stream), a.Name, cmp.Or(a.Message, "it was refused without a message"), now)
	case delivery.RolloutMoved:
		if a.Move == rollout.WavePassed {
			t.Passed(a.Name, a.Revision, a.Wave, now)
		} else {
			t.Noted(a.Name, a.Revision, trace.Event{Name: string(a.Move), At: now, Text: a.Reason})
		}
	}
}

func (t tracing) push(a delivery.Send, r delivery.Resource) trace.Push {
	p := trace.Push{
		Filter: r.Name, Revision: r.Revision.ID, Node: t.view.Fleet.Stream(a.Stream).Node.ID, Envoy: a.Envoy, Variant: r.Version.Variant.String(),
	}
	if r.Version.Variant == delivery.Remote {
		p.Token = r.Version.Salt
	}
	return p
}
