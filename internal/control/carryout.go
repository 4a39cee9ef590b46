package control

import (
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/admin"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

func (c *Control) carryOut(a delivery.Action) {
	switch a := a.(type) {
	case delivery.Send:
		c.pushed(a)
		c.sender.Send(a)
	case delivery.EndStream:
		c.sender.End(a.Stream)
	case delivery.Forgotten:
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
		c.hub.Publish(admin.Event{Type: admin.EventFilter, Name: a.Name, Time: time.Now()})
	case delivery.Persist:
		c.saveSoon()
	}
}

// pushed counts and logs what is sent.
func (c *Control) pushed(a delivery.Send) {
	debug := c.cfg.Logger.Core().Enabled(zap.DebugLevel)
	variant, n, bytes := a.Version.Variant, 0, 0
	one := func(r delivery.Resource) {
		if r.Version.Variant != variant {
			c.cfg.Metrics.Pushed(variant.String(), n, bytes)
			variant, n, bytes = r.Version.Variant, 0, 0
		}
		n++
		bytes += int(r.Revision.Module.Size)
		if debug {
			c.cfg.Logger.Debug("push", zap.String("filter", r.Name), zap.Uint64("stream", uint64(a.Stream)),
				zap.String("version", r.Version.String()), zap.Int("others", len(a.Others)))
		}
	}
	one(a.Resource)
	for _, other := range a.Others {
		one(other)
	}
	c.cfg.Metrics.Pushed(variant.String(), n, bytes)
}

// logReach says that an Envoy cannot fetch modules, or can again.
func (c *Control) logReach(a delivery.ModulesReached) {
	fields := []zap.Field{zap.String("node", a.Node.ID), zap.String("address", a.Node.Address)}
	if a.Reached {
		c.cfg.Logger.Info("an Envoy fetches modules again: they are no longer sent inline", fields...)
	} else {
		c.cfg.Logger.Warn("an Envoy does not fetch modules: no GET arrives, and they are sent inline until one does", append(fields,
			zap.String("hint", "check that the cluster named by --modules-cluster in this Envoy reaches the module server at --modules-address"))...)
	}
	c.hub.Publish(admin.Event{Type: admin.EventNode, Name: a.Node.ID, State: string(admin.NodeConnected), Time: time.Now()})
}

func (c *Control) logRefusal(a delivery.WasRefused) {
	fields := []zap.Field{
		zap.String("filter", a.Name), zap.String("node", a.Node), zap.String("revision", a.Revision),
		zap.Stringer("variant", a.Variant), zap.String("message", a.Message),
	}
	if a.Others > 0 {
		c.cfg.Metrics.Nacked(admin.NackShared)
		c.cfg.Logger.Warn("an Envoy refused a response of several resources: each is sent again alone",
			append(fields, zap.Int("others", a.Others))...)
		return
	}
	if !a.Verdict {
		// The usual first answer to remote code: Envoy fetches it now.
		c.cfg.Metrics.Nacked(admin.NackNotCached)
		c.cfg.Logger.Debug("not taken yet", fields...)
		return
	}
	c.cfg.Metrics.Nacked(admin.NackRejected)
	c.cfg.Logger.Warn("an Envoy refused a revision: the last good one serves on", fields...)
}
