package host

import (
	"context"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
)

// StreamOptions describe a filter's stream.
type StreamOptions struct {
	// Properties are by path, like "source.address" or "request.path". These properties override
	// the sandbox's properties of the message.
	Properties map[string]string
}

// newContext creates a context below the root's.
func newContext(ctx context.Context, i *instance, o StreamOptions, c *contextState) (id uint32, err error) {
	i.budget.beginStream()
	i.misses.beginStream()
	for path, value := range o.Properties {
		c.set(path, value)
	}
	i.contexts.add(c)
	return c.id, i.run(ctx, c.id, envoy.CallbackContextCreate, uint64(c.id), rootContext)
}
