package control

import (
	"sync/atomic"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/events"
	"github.com/wasm-xds/wasm-xds/internal/report"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// deliverer passes snapshots and events through delivery's machine, and carries out the
// actions. It belongs to Run's goroutine.
type deliverer struct {
	view      *report.View
	sender    Sender
	hub       *events.Hub
	served    *served
	metrics   Metrics
	journal   *journal
	saves     *saves
	garbage   *garbage
	chronicle *chronicle
	tracing   tracing
	notices   *notices
	replicas  *replicas
	known     *atomic.Pointer[snapshot.Snapshot] // the view's snapshot, for other goroutines
}

// publish serves a snapshot from now on.
func (d *deliverer) publish(s *snapshot.Snapshot) {
	before := d.view.Snapshot
	names := snapshot.Diff(before, s)
	if d.view.FromState {
		d.view.FromState = false
		d.garbage.soon() // the previous process may have left modules
	}
	if len(names) == 0 {
		return
	}
	d.served.add(s, names)
	d.change(s)
	d.notices.published(names, time.Now())
	d.tracing.published(change{before, s, names}, time.Now())
	d.journal.changed(change{before, s, names})
	defer d.chronicle.published(change{before, s, names}, time.Now())
	d.step(delivery.SnapshotChanged{Snapshot: s}) // may forget some filters
	d.hub.Publish(api.Event{Type: api.EventSnapshot, Name: d.view.Snapshot.Version(), Time: time.Now()})
}

// change notes the snapshot that is served from now on.
func (d *deliverer) change(s *snapshot.Snapshot) {
	if s.Version() != d.view.Snapshot.Version() {
		d.view.Published = time.Now()
		d.metrics.SnapshotChanged()
	}
	d.view.Snapshot = s
	d.known.Store(s)
}

// takeEvent takes an event of a stream or of the module server.
func (d *deliverer) takeEvent(e delivery.Event) {
	switch e := e.(type) {
	case delivery.StreamOpened:
		d.streamOpened(e, time.Now())
	case delivery.StreamClosed:
		d.streamClosed(e, time.Now())
	}
	d.tracing.event(e, time.Now())
	d.step(e)
}

func (d *deliverer) streamOpened(e delivery.StreamOpened, now time.Time) {
	stream, first := d.view.Fleet.Open(e, now)
	d.metrics.StreamOpened(stream.Mode)
	if first {
		d.journal.connected(stream)
		d.hub.Publish(api.Event{Type: api.EventNode, Name: e.Node.ID, State: string(api.NodeConnected), Time: now})
	}
}

// streamClosed must run before the machine forgets the stream.
func (d *deliverer) streamClosed(e delivery.StreamClosed, now time.Time) {
	stream, known, gone := d.view.Fleet.Close(e.Stream, report.NodeFilters(d.view, e.Stream), now)
	if !known {
		return
	}
	d.metrics.StreamClosed(stream.Mode)
	if gone != nil {
		d.journal.gone(gone, now)
		d.hub.Publish(api.Event{Type: api.EventNode, Name: gone.Node.ID, State: string(api.NodeGone), Time: now})
	}
}

// step passes an event through the machine and carries out the actions.
func (d *deliverer) step(e delivery.Event) {
	now := time.Now()
	actions := d.view.Machine.Step(now, e)
	watched := d.hub.Watched()
	var unproven []delivery.Send
	unsettled, awaited, forgotten := false, false, false
	for _, a := range actions {
		d.tracing.action(a, now)
		if d.replicas.shared() && d.replicas.carryOut(a) {
			continue
		}
		switch a := a.(type) {
		case delivery.PersistUnsettled:
			unsettled, awaited = true, a.Awaited
			continue
		case delivery.Send:
			if a.Unproven {
				unproven = append(unproven, a)
				continue
			}
		case delivery.Changed:
			d.chronicle.touch(a.Name, now)
			d.notices.changed(a.Name, now)
			if !watched {
				continue
			}
		case delivery.Forgotten:
			forgotten = true
		}
		d.carryOut(a)
	}
	if forgotten {
		d.change(d.view.Machine.Snapshot())
	}
	switch {
	case awaited && len(unproven) > 0:
		d.saves.writeUnsettled()
	case unsettled:
		d.saves.unsettled.Soon(time.Now())
	}
	if d.replicas.shared() {
		d.sendOnceNoted(unproven)
		return
	}
	d.sendOnceSaved(unproven)
}

// sendOnceNoted sends unproven revisions as soon as the ledger has the notes of their nodes, and
// the disk their names. Nothing else waits, however long the ledger does not answer.
func (d *deliverer) sendOnceNoted(sends []delivery.Send) {
	if len(sends) > 0 {
		d.sender.Prepare(sends[0])
	}
	for _, one := range sends {
		d.replicas.note(one)
	}
}

// takeFromLedger takes an event of the ledger, or its answer to a note.
func (d *deliverer) takeFromLedger(message any) {
	switch m := message.(type) {
	case ledgerTold:
		d.replicas.take(m.event, time.Now())
		d.step(delivery.FromLedger{Event: m.event})
	case sendNoted:
		d.takeNoted(m)
	}
}

// takeNoted takes the answer of the ledger to a note. The disk has the node's name already, or the
// write of it began before.
func (d *deliverer) takeNoted(m sendNoted) {
	if m.err != nil {
		d.step(delivery.NotNoted{Stream: m.send.Stream, Name: m.send.Name})
		return
	}
	d.sendOnceSaved([]delivery.Send{m.send})
}

// sendOnceSaved sends unproven revisions as soon as the disk has the names of the nodes that get
// them. A power failure before the next save of the state, a tenth of a second later, may still
// forget the canary. A wait for the disk would cost every edit more than all other work here.
func (d *deliverer) sendOnceSaved(sends []delivery.Send) {
	switch {
	case len(sends) == 0:
	case d.saves.unsettled.Pass(sends...):
		d.send(sends)
	default:
		d.sender.Prepare(sends[0]) // the remaining sends mostly have the same resource for other Envoys
	}
}

func (d *deliverer) send(sends []delivery.Send) {
	for _, a := range sends {
		d.journal.pushes(a)
		d.sender.Send(a)
	}
}

func (d *deliverer) carryOut(a delivery.Action) {
	switch a := a.(type) {
	case delivery.Send:
		d.journal.pushes(a)
		d.sender.Send(a)
	case delivery.EndStream:
		d.sender.End(a.Stream, a.Over)
	case delivery.Forgotten:
		d.metrics.FilterForgotten(a.Name)
		d.notices.forget(a.Name)
		d.journal.forgotten(a)
		d.chronicle.forgotten(a.Name)
	case delivery.WentLive:
		d.metrics.Acked(1 + a.Others)
		if !a.Since.IsZero() {
			d.metrics.HotLoaded(a.Variant.String(), time.Since(a.Since))
			d.notices.wentLive(a.Name)
		}
	case delivery.ModulesReached:
		d.journal.reach(a)
		d.hub.Publish(api.Event{Type: api.EventNode, Name: a.Node.ID, State: string(api.NodeConnected), Time: time.Now()})
	case delivery.WasRefused:
		d.nacked(a)
	case delivery.RolloutChanged:
		canary := spec.Canary{}
		if w := d.view.Snapshot.Get(a.Name); w != nil {
			canary = w.Canary
		}
		d.journal.rollout(a, canary)
		if stopped := a.Rollout.Stopped; stopped != nil {
			d.notices.refuse(refusal{
				name: a.Name, revision: a.Rollout.Revision, cause: api.CauseLost, problem: d.problem(a.Name, stopped.Code, stopped.Message, stopped.Hint),
			}, time.Now())
		}
	case delivery.RolloutMoved:
		d.journal.moved(a)
		d.notices.moved(a, time.Now())
	case delivery.Changed:
		d.publishFilter(a.Name)
	case delivery.Persist:
		d.saves.stateSoon()
	}
}

func (d *deliverer) nacked(a delivery.WasRefused) {
	kind := nackKind(a)
	d.metrics.Nacked(kind)
	if kind == api.NackRejected {
		d.chronicle.refused(a, time.Now())
		name := a.Name
		if d.view.Snapshot.Get(name) == nil {
			name = ""
		}
		d.metrics.FilterRejected(name)
		if name != "" {
			d.notices.refuse(refusal{
				name: name, revision: a.Revision, cause: api.CauseEnvoy, node: a.Node,
				problem: d.problem(name, delivery.CodeRejected, a.Message, "the reason is in that Envoy's log, next to the filter's name"),
			}, time.Now())
		}
	}
	d.journal.nack(a, meanwhile(d.view, a.Name))
}

// problem is a problem with the place of the filter's spec.
func (d *deliverer) problem(name, code, message, hint string) *api.Error {
	e := &api.Error{Code: code, Message: message, Hint: hint}
	if w := d.view.Snapshot.Get(name); w != nil {
		e.File = w.SpecFile
	}
	return e
}

// publishFilter tells subscribers of the API's events how a filter is now.
func (d *deliverer) publishFilter(name string) {
	if d.hub.Watched() {
		d.hub.Publish(report.Event(d.view, name, time.Now()))
	}
}
