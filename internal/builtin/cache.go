package builtin

import (
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// generation and generationBytes are how many stand-ins, and how many bytes of them, are made
// before unused older ones are dropped. Names come from Envoys, and the modules have their names. A
// stand-in costs a kilobyte or more and some microseconds.
const (
	generation      = 500
	generationBytes = 1 << 20
)

// Cache makes the stand-ins, and keeps those in frequent use. A Cache belongs to one goroutine.
type Cache struct {
	made, former map[cacheKey]*snapshot.Revision
	bytes        int // of the modules in made
}

type cacheKey struct {
	filter  string
	t       spec.Type
	deny    bool
	reason  string
	runtime string
}

// NewCache returns an empty cache.
func NewCache() *Cache { return &Cache{made: map[cacheKey]*snapshot.Revision{}} }

// Deny is the stand-in that denies all requests, with the reason.
func (c *Cache) Deny(filter string, t spec.Type, reason, runtime string) *snapshot.Revision {
	return c.get(cacheKey{filter, t, true, reason, runtime})
}

// Passthrough is the stand-in that lets all requests pass.
func (c *Cache) Passthrough(filter string, t spec.Type, runtime string) *snapshot.Revision {
	return c.get(cacheKey{filter, t, false, "", runtime})
}

// Known is the stand-in that a release made under the id; nil: no release did.
func (*Cache) Known(filter, runtime, id string) *snapshot.Revision {
	return Known(filter, runtime, id)
}

func (c *Cache) get(key cacheKey) *snapshot.Revision {
	r := c.made[key]
	if r != nil {
		return r
	}
	if r = c.former[key]; r == nil {
		r = made(key)
	}
	if len(c.made) >= generation || c.bytes >= generationBytes {
		c.made, c.former, c.bytes = map[cacheKey]*snapshot.Revision{}, c.made, 0
	}
	c.made[key] = r
	c.bytes += len(r.Code)
	return r
}

func made(key cacheKey) *snapshot.Revision {
	if key.deny {
		return Deny(key.filter, key.t, key.reason, key.runtime)
	}
	return Passthrough(key.filter, key.t, key.runtime)
}
