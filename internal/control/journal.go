package control

import (
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/fleet"
	"github.com/wasm-xds/wasm-xds/internal/report"
	"github.com/wasm-xds/wasm-xds/internal/tags"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// journal writes the lines of the log about specs and Envoys. It belongs to Run's goroutine.
type journal struct {
	log      *zap.Logger
	unlogged []change
}

// change is the replacement of a snapshot.
type change struct {
	before, now *snapshot.Snapshot
	names       []string // of the changed filters
}

// unread begins the line about a spec without its module or configuration.
const unread = "a spec's module or configuration cannot be had: "

// meanwhile describes the content that Envoys get while a filter's newest content is not served.
func meanwhile(v *report.View, name string) string {
	before := v.Snapshot.Get(name)
	st, known := v.Machine.Brief(name)
	switch {
	case name == "":
		return "what it described before is served on"
	case known && st.Stable != nil, !known && before != nil && before.Revision != nil:
		return "its last good revision is served on"
	default:
		return "there is none before it that is good, and Envoys get a stand-in, as failurePolicy says"
	}
}

// problem logs an error of a spec.
func (j *journal) problem(message string, e *spec.Error) {
	j.log.Warn(message, zap.String("filter", e.Name), zap.String("at", e.Pos.String()), zap.String("code", e.Code),
		zap.String("problem", e.Message), zap.String("hint", e.Hint))
}

// polled logs the answer of a registry, and its effect.
func (j *journal) polled(p tags.Poll, moves tags.Moves) {
	if moves.Fails {
		j.log.Warn("a tag cannot be looked at: what it led to before is served on",
			zap.String("reference", p.Reference), zap.String("code", p.Err.Code), zap.String("problem", p.Err.Message))
	}
	log := func(message string, all []tags.Move) {
		for _, one := range all {
			j.log.Info(message, zap.String("filter", one.Filter), zap.String("reference", p.Reference),
				zap.String("from", one.From), zap.String("to", p.Digest))
		}
	}
	log("a tag has moved", moves.Moved)
	log("a tag leads elsewhere: the filter stays with what it led to, because its spec has no refresh", moves.Stayed)
}

// connected and gone log the first and the last stream of an Envoy.
func (j *journal) connected(s fleet.Stream) {
	j.log.Info("an Envoy has connected", zap.String("node", s.Node.ID), zap.String("cluster", s.Node.Cluster),
		zap.String("envoy", s.Node.Version), zap.String("address", s.Node.Address), zap.String("mode", s.Mode))
}

func (j *journal) gone(one *fleet.Envoy, now time.Time) {
	j.log.Info("an Envoy has gone", zap.String("node", one.Node.ID), zap.String("cluster", one.Node.Cluster),
		zap.String("envoy", one.Node.Version), zap.String("address", one.Node.Address),
		zap.Duration("connected", now.Sub(one.Began).Round(time.Millisecond)),
		zap.Int("filters", len(one.Filters())), zap.String("ran", strings.Join(one.Ran(), " ")))
}

// pushes logs the pushes of a response, at the level debug.
func (j *journal) pushes(a delivery.Send) {
	if !j.log.Core().Enabled(zap.DebugLevel) {
		return
	}
	for _, r := range append([]delivery.Resource{a.Resource}, a.Others...) {
		j.log.Debug("push", zap.String("filter", r.Name), zap.Uint64("stream", uint64(a.Stream)),
			zap.String("version", r.Version.String()), zap.Int("others", len(a.Others)))
	}
}

// reach logs that an Envoy cannot fetch modules, or can again.
func (j *journal) reach(a delivery.ModulesReached) {
	fields := []zap.Field{zap.String("node", a.Node.ID), zap.String("address", a.Node.Address)}
	if a.Reached {
		j.log.Info("an Envoy fetches modules again: they are no longer sent inline", fields...)
		return
	}
	j.log.Warn("an Envoy does not fetch modules: no GET arrives, and they are sent inline until one does", append(fields,
		zap.String("hint", "check that the cluster named by --modules-cluster in this Envoy reaches the module server at --modules-address"))...)
}

// forgotten logs that a removed filter is forgotten.
func (j *journal) forgotten(a delivery.Forgotten) {
	j.log.Info("a removed filter is forgotten: no Envoy asks for it", zap.String("filter", a.Name), zap.String("spec", a.SpecFile))
}

// nack logs a refused response.
func (j *journal) nack(a delivery.WasRefused, meanwhile string) {
	fields := []zap.Field{
		zap.String("filter", a.Name), zap.String("node", a.Node), zap.String("revision", a.Revision),
		zap.Stringer("variant", a.Variant), zap.String("message", a.Message),
	}
	switch nackKind(a) {
	case api.NackShared:
		j.log.Warn("an Envoy refused a response of several resources: each is sent again alone",
			append(fields, zap.Int("others", a.Others))...)
	case api.NackNotCached:
		// The usual first answer to remote code: Envoy fetches it now.
		j.log.Debug("not taken yet", fields...)
	case api.NackType:
		j.log.Warn("an Envoy asks for a filter of another type than its spec says", fields...)
	case api.NackOther:
		j.log.Warn("an Envoy cannot read the file of a module: it is sent inline", fields...)
	default:
		j.log.Warn("an Envoy refused a revision: "+meanwhile, fields...)
	}
}

// nackKind classifies a NACK.
func nackKind(a delivery.WasRefused) api.NackKind {
	switch {
	case a.Others > 0:
		return api.NackShared
	case a.WrongType:
		return api.NackType
	case a.Verdict:
		return api.NackRejected
	case a.Variant == delivery.Remote:
		return api.NackNotCached
	default:
		return api.NackOther
	}
}

// rollout logs that a rollout waits, has stopped or continues.
func (j *journal) rollout(a delivery.RolloutChanged, canary spec.Canary) {
	fields := []zap.Field{zap.String("filter", a.Name), zap.String("revision", a.Rollout.Revision)}
	switch stopped := a.Rollout.Stopped; {
	case stopped != nil:
		j.log.Warn("a rollout has stopped", append(fields, zap.String("code", stopped.Code), zap.String("reason", stopped.Message), zap.String("hint", stopped.Hint))...)
	case len(a.Rollout.Waits) > 0:
		var waits []string
		for _, w := range a.Rollout.Waits {
			waits = append(waits, report.WaitText(w, canary))
		}
		j.log.Warn("a rollout waits", append(fields, zap.Strings("for", waits))...)
	default:
		j.log.Info("a rollout waits no more", fields...)
	}
}

// steered logs the command of a user on a rollout.
func (j *journal) steered(action, filter, revision, by, reason string) {
	message := map[string]string{
		"pause":   "a rollout is paused: no further Envoy gets the revision",
		"resume":  "a rollout is resumed",
		"promote": "a rollout is promoted: it goes on without the canaries that it waits for, and without the soak of its wave",
		"abort":   "a rollout is aborted: all Envoys get the stable revision",
	}[action]
	j.log.Info(message, zap.String("filter", filter), zap.String("revision", revision), zap.String("by", by), zap.String("reason", reason))
}

// moved logs an event of a rollout.
func (j *journal) moved(a delivery.RolloutMoved) {
	fields := []zap.Field{zap.String("filter", a.Name), zap.String("revision", a.Revision), zap.String("wave", a.Wave)}
	switch a.Move {
	case rollout.WavePassed:
		j.log.Info("a wave of a rollout is over, and the next begins", fields...)
	case rollout.Waits:
		j.log.Info("a wave of a rollout waits for `wasm-xds rollout promote`, as the spec says", fields...)
	case rollout.Watched:
		j.log.Info("the watch after a rollout is over: the revision stays", fields...)
	case rollout.WentBack:
		j.log.Warn("a revision went back: its Envoys get the stable revision", append(fields, zap.String("reason", a.Reason), zap.String("by", a.By))...)
	case rollout.DeadlinePassed:
		j.log.Warn("a rollout is overdue", append(fields, zap.String("reason", a.Reason),
			zap.String("hint", fmt.Sprintf("`wasm-xds status %s` shows what it waits for; `wasm-xds rollout promote` or `abort` ends the wait", a.Name)))...)
	case rollout.Soaked, rollout.Promoted, rollout.Stopped: // other lines tell
	}
}

// changed notes a change of the snapshot. A push takes little longer than a log line, and comes
// first: flush logs the changes.
func (j *journal) changed(one change) { j.unlogged = append(j.unlogged, one) }

func (j *journal) flush() {
	for _, one := range j.unlogged {
		j.change(one)
	}
	j.unlogged = nil
}

func (j *journal) change(one change) {
	const most = 20
	for i, name := range one.names {
		if i == most {
			j.log.Info("more filters changed", zap.Int("count", len(one.names)-most))
			break
		}
		f, before := one.now.Get(name), one.before.Get(name)
		if f == nil {
			continue
		}
		fields := []zap.Field{zap.String("filter", name), zap.String("spec", f.SpecFile)}
		if f.Revision != nil {
			fields = append(fields, zap.String("revision", f.Revision.ID))
		}
		switch {
		case f.Removed && f.OnRemove == spec.Passthrough && f.Policy != spec.Open:
			j.log.Warn("a closed filter is opened: its spec was removed with onRemove: passthrough", fields...)
		case f.Removed && (before == nil || !before.Removed):
			j.log.Info("a spec was removed", append(fields, zap.String("onRemove", string(f.OnRemove)))...)
		case f.Disabled && (before == nil || !before.Disabled):
			j.log.Info("a filter was disabled: pass-through", fields...)
		default:
			j.log.Info("a filter changed", fields...)
		}
	}
}
