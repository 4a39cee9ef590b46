package resource

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

// DefaultBuildMemory is the default memory for concurrent builds: enough for all cores with modules
// of some ten megabytes.
const DefaultBuildMemory = 256 << 20

// buildCopies is how often a module is in memory during the build of its resource: as read, packed
// into an Any, and in the resource.
// See docs/RATIONALE.md#why-do-builds-of-resources-wait-for-memory-and-not-for-envoys.
const buildCopies = 3

// Builder makes resources and keeps those that serve many Envoys. Safe for concurrent use.
type Builder struct {
	modules   Modules
	addresses Addresses
	flight    singleflight.Group
	memory    int64               // for all concurrent builds
	building  *semaphore.Weighted // the part of memory in use
	dialects  dialects
	cache     *cache
	standIns  *cache
}

// NewBuilder makes a builder. Concurrent builds take no more than memory bytes; 0 means
// [DefaultBuildMemory]. A build that needs more runs alone.
func NewBuilder(modules Modules, addresses Addresses, memory int64) *Builder {
	memory = cmp.Or(memory, DefaultBuildMemory)
	return &Builder{
		modules: modules, addresses: addresses, memory: memory, building: semaphore.NewWeighted(memory), cache: newCache(cacheBytes), standIns: newCache(standInBytes),
	}
}

// Cached returns the resource if no build is necessary, else nil.
func (b *Builder) Cached(a delivery.Send) *wire.Resource { return b.cacheOf(a).get(b.key(a), a) }

func (b *Builder) cacheOf(a delivery.Send) *cache {
	if a.Revision.BuiltIn {
		return b.standIns
	}
	return b.cache
}

func (b *Builder) key(a delivery.Send) key {
	return key{a.Version.Revision, a.Version.Variant, b.dialects.of(a)}
}

// Build makes the resource. Callers of the same resource share one build, and builds wait in order
// until there is memory for them. If ctx ends first, the error is ctx's. Callers that share a build
// share its context, too.
func (b *Builder) Build(ctx context.Context, a delivery.Send) (*wire.Resource, error) {
	k := b.key(a)
	value, err, _ := b.flight.Do(k.revision+string(k.variant)+k.dialect, func() (any, error) {
		release, err := b.acquire(ctx, a)
		if err != nil {
			return nil, err
		}
		defer release()
		code, err := codeOf(a, b.addresses, b.modules)
		if err != nil {
			return nil, err
		}
		t, err := translate.NewTemplate(a.Revision, code, envoyVersion(a))
		if err != nil {
			return nil, fmt.Errorf("translate revision %s: %w", a.Revision.ID, err)
		}
		b.cacheOf(a).keep(k, t)
		return t, nil
	})
	if err != nil {
		return nil, err
	}
	if resource := b.cacheOf(a).get(k, a); resource != nil {
		return resource, nil
	}
	// Too large for the cache.
	return salted(a, value.(*translate.Template)), nil
}

// acquire waits for the memory of a build. No build waits while it has memory, and no build asks
// for more than the whole. So each build gets its memory in the end.
func (b *Builder) acquire(ctx context.Context, a delivery.Send) (release func(), err error) {
	if a.Version.Variant != delivery.Inline {
		return func() {}, nil // some hundred bytes
	}
	need := min(buildCopies*a.Revision.Module.Size, b.memory)
	if err := b.building.Acquire(ctx, need); err != nil {
		return nil, err
	}
	return func() { b.building.Release(need) }, nil
}

// dialects are the dialects of the Envoy versions met. The zero value is empty. Safe for concurrent
// use.
type dialects struct {
	mu        sync.Mutex
	byVersion map[string]string // the version as delivery has it
}

// dialectsLimit bounds the remembered versions, because they come from Envoys.
const dialectsLimit = 100

// of returns the dialect of the Envoy that gets a send.
func (d *dialects) of(a delivery.Send) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	dialect, ok := d.byVersion[a.Envoy]
	if !ok {
		if d.byVersion == nil || len(d.byVersion) >= dialectsLimit {
			d.byVersion = map[string]string{}
		}
		dialect = translate.Compat(envoyVersion(a))
		d.byVersion[a.Envoy] = dialect
	}
	return dialect
}
