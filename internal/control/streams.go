package control

import (
	"context"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// Handle takes an event of delivery. Handle blocks while the control is busy. It drops the event,
// and returns false, after the end of ctx or of Run.
func (c *Control) Handle(ctx context.Context, e delivery.Event) bool { return c.inbox.event(ctx, e) }

// Begin takes the events of a stream's beginning, or of a request for further names, at once and in
// their order. They wait behind all other events. Begin drops them, and returns false, after the
// end of ctx or of Run.
func (c *Control) Begin(ctx context.Context, events ...delivery.Event) bool {
	return c.inbox.begin(ctx, events)
}

// Publish hands an event to all subscribers. Any goroutine may call Publish.
func (c *Control) Publish(e api.Event) { c.hub.Publish(e) }

// Knows says whether a spec has the name, or had it and the filter is still kept.
func (c *Control) Knows(name string) bool { return c.known.Load().Get(name) != nil }
