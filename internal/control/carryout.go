package control

import (
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

func (c *Control) carryOut(a delivery.Action) {
	switch a := a.(type) {
	case delivery.Send:
		c.logPushes(a)
		c.sender.Send(a)
	case delivery.EndStream:
		c.sender.End(a.Stream)
	case delivery.Forgotten:
		c.cfg.Metrics.FilterForgotten(a.Name)
		c.cfg.Logger.Info("a removed filter is forgotten: no Envoy asks for it", zap.String("filter", a.Name), zap.String("spec", a.SpecFile))
	case delivery.WentLive:
		c.cfg.Metrics.Acked(1 + a.Others)
		if !a.Since.IsZero() {
			c.cfg.Metrics.HotLoaded(a.Variant.String(), time.Since(a.Since))
		}
	case delivery.ModulesReached:
		c.logReach(a)
	case delivery.WasRefused:
		c.logRefusal(a)
	case delivery.RolloutChanged:
		c.logRollout(a)
	case delivery.Changed:
		c.publishFilter(a.Name)
	case delivery.Persist:
		c.saveSoon()
	}
}

// publishFilter tells subscribers how a filter is now.
func (c *Control) publishFilter(name string) {
	if !c.hub.Watched() {
		return
	}
	e := api.Event{Type: api.EventFilter, Name: name, Time: time.Now()}
	switch st, known := c.machine.Brief(name); {
	case !known:
		e.State = "forgotten"
	case st.Wanted == nil:
		e.State = string(api.FilterUnknown)
	default:
		f := api.Filter{Name: name, State: api.FilterActive}
		c.describe(&f, st)
		e.State, e.Revision, e.Candidate = string(f.State), f.Revision, f.Candidate
		if f.Error != nil {
			e.Error = f.Error.Code
		}
	}
	c.hub.Publish(e)
}

// logPushes logs the pushes of a response, at the level debug.
func (c *Control) logPushes(a delivery.Send) {
	if !c.cfg.Logger.Core().Enabled(zap.DebugLevel) {
		return
	}
	for _, r := range append([]delivery.Resource{a.Resource}, a.Others...) {
		c.cfg.Logger.Debug("push", zap.String("filter", r.Name), zap.Uint64("stream", uint64(a.Stream)),
			zap.String("version", r.Version.String()), zap.Int("others", len(a.Others)))
	}
}

// logReach logs that an Envoy cannot fetch modules, or can again.
func (c *Control) logReach(a delivery.ModulesReached) {
	fields := []zap.Field{zap.String("node", a.Node.ID), zap.String("address", a.Node.Address)}
	if a.Reached {
		c.cfg.Logger.Info("an Envoy fetches modules again: they are no longer sent inline", fields...)
	} else {
		c.cfg.Logger.Warn("an Envoy does not fetch modules: no GET arrives, and they are sent inline until one does", append(fields,
			zap.String("hint", "check that the cluster named by --modules-cluster in this Envoy reaches the module server at --modules-address"))...)
	}
	c.hub.Publish(api.Event{Type: api.EventNode, Name: a.Node.ID, State: string(api.NodeConnected), Time: time.Now()})
}

func (c *Control) logRefusal(a delivery.WasRefused) {
	fields := []zap.Field{
		zap.String("filter", a.Name), zap.String("node", a.Node), zap.String("revision", a.Revision),
		zap.Stringer("variant", a.Variant), zap.String("message", a.Message),
	}
	if a.Others > 0 {
		c.cfg.Metrics.Nacked(api.NackShared)
		c.cfg.Logger.Warn("an Envoy refused a response of several resources: each is sent again alone",
			append(fields, zap.Int("others", a.Others))...)
		return
	}
	c.cfg.Metrics.Nacked(nackKind(a))
	switch nackKind(a) {
	case api.NackNotCached:
		// The usual first answer to remote code: Envoy fetches it now.
		c.cfg.Logger.Debug("not taken yet", fields...)
	case api.NackType:
		c.cfg.Logger.Warn("an Envoy asks for a filter of another type than its spec says", fields...)
	case api.NackOther:
		c.cfg.Logger.Warn("an Envoy cannot read the file of a module: it is sent inline", fields...)
	default:
		if c.snapshot.Get(a.Name) != nil {
			c.cfg.Metrics.FilterRejected(a.Name)
		} else {
			c.cfg.Metrics.FilterRejected("")
		}
		c.cfg.Logger.Warn("an Envoy refused a revision: "+c.meanwhile(a.Name), fields...)
	}
}

// nackKind classifies the NACK of a single resource.
func nackKind(a delivery.WasRefused) api.NackKind {
	switch {
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

// meanwhile describes the content that Envoys get while a filter's newest content is not served.
func (c *Control) meanwhile(name string) string {
	before := c.snapshot.Get(name)
	st, known := c.machine.Brief(name)
	switch {
	case name == "":
		return "what it described before is served on"
	case known && st.Stable != nil, !known && before != nil && before.Revision != nil:
		return "its last good revision is served on"
	default:
		return "there is none before it that is good, and Envoys get a stand-in, as failurePolicy says"
	}
}
