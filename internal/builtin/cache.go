package builtin

import (
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// generation is how many stand-ins are made before unused older ones are dropped. Names
// come from Envoys. A stand-in costs a kilobyte and some microseconds.
const generation = 2000

// Cache makes the stand-ins, and keeps those in frequent use. A Cache belongs to one goroutine.
type Cache struct {
	made, former map[cacheKey]*snapshot.Revision
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
	if len(c.made) >= generation {
		c.made, c.former = map[cacheKey]*snapshot.Revision{}, c.made
	}
	c.made[key] = r
	return r
}

func made(key cacheKey) *snapshot.Revision {
	if key.deny {
		return Deny(key.filter, key.t, key.reason, key.runtime)
	}
	return Passthrough(key.filter, key.t, key.runtime)
}
