package xds

import (
	"cmp"
	"container/list"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

// Modules returns a module's verified bytes by sha256.
type Modules interface {
	Read(sha256 string) ([]byte, error)
}

// Addresses say where Envoys find modules.
type Addresses struct {
	ModulesURL     string        // base of the module server's URL for Envoys: http://127.0.0.1:18001
	ModulesCluster string        // the Envoy cluster of the module server
	ModulesDir     string        // for files: the path of the module store for Envoys
	FetchTimeout   time.Duration // of Envoy's GET; 0: translate's default
}

// cacheBytes bounds the cache of the builder: marshalled resources, which contain whole modules if
// they are inline.
const cacheBytes = 256 << 20

// DefaultBuildMemory is the default memory for concurrent builds: enough for all cores with modules
// of some ten megabytes.
const DefaultBuildMemory = 256 << 20

// buildCopies is how often a module is in memory during the build of its resource: as read, packed
// into an Any, and in the resource.
// See docs/RATIONALE.md#why-do-builds-of-resources-wait-for-memory-and-not-for-envoys.
const buildCopies = 3

// idleAfter is how long, up to twice, an unused resource is kept. A push reaches a fleet within
// seconds, and a later Envoy costs little more than reading the module from disk.
// See docs/RATIONALE.md#how-long-are-marshalled-resources-kept.
const idleAfter = time.Minute

// ResourceBuilder makes resources and keeps those that serve many Envoys. Safe for concurrent use.
type ResourceBuilder struct {
	modules   Modules
	addresses Addresses
	flight    singleflight.Group
	memory    int64               // for all concurrent builds
	building  *semaphore.Weighted // the part of memory in use

	mu       sync.Mutex
	dialects map[string]string // by Envoy version, as delivery has it
	byKey    map[key]*list.Element
	order    *list.List // of *built, the most recently used first
	size     int
	sweeps   bool // a sweep is due
}

// key names the content shared by all salts.
type key struct {
	revision string
	variant  delivery.Variant
	dialect  string
}

type built struct {
	key      key
	size     int
	template *translate.Template
	resource *Resource // with the newest salt
	salt     string
	used     bool // since the last sweep
}

// NewBuilder makes a builder. Concurrent builds take no more than memory bytes; 0 means
// [DefaultBuildMemory]. A build that needs more runs alone.
func NewBuilder(modules Modules, addresses Addresses, memory int64) *ResourceBuilder {
	memory = cmp.Or(memory, DefaultBuildMemory)
	return &ResourceBuilder{
		modules: modules, addresses: addresses, memory: memory, building: semaphore.NewWeighted(memory),
		dialects: map[string]string{}, byKey: map[key]*list.Element{}, order: list.New(),
	}
}

// dialectsLimit bounds the remembered versions, because they come from Envoys.
const dialectsLimit = 100

func (b *ResourceBuilder) key(a delivery.Send) key {
	b.mu.Lock()
	defer b.mu.Unlock()
	dialect, ok := b.dialects[a.Envoy]
	if !ok {
		if len(b.dialects) >= dialectsLimit {
			clear(b.dialects)
		}
		dialect = translate.Compat(envoyVersion(a))
		b.dialects[a.Envoy] = dialect
	}
	return key{a.Version.Revision, a.Version.Variant, dialect}
}

func envoyVersion(a delivery.Send) translate.Version {
	v, _ := translate.ParseVersion(a.Envoy)
	return v
}

// Cached returns the resource if no build is necessary, else nil.
func (b *ResourceBuilder) Cached(a delivery.Send) *Resource {
	k := b.key(a)
	b.mu.Lock()
	defer b.mu.Unlock()
	element := b.byKey[k]
	if element == nil {
		return nil
	}
	b.order.MoveToFront(element)
	entry := element.Value.(*built)
	entry.used = true
	if entry.salt != a.Version.Salt {
		entry.resource = salted(a, entry.template)
		entry.salt = a.Version.Salt
	}
	return entry.resource
}

// Build makes the resource. Callers of the same resource share one build, and builds wait in order
// until there is memory for them. If ctx ends first, the error is ctx's. Callers that share a build
// share its context, too.
func (b *ResourceBuilder) Build(ctx context.Context, a delivery.Send) (*Resource, error) {
	k := b.key(a)
	value, err, _ := b.flight.Do(k.revision+string(k.variant)+k.dialect, func() (any, error) {
		release, err := b.acquire(ctx, a)
		if err != nil {
			return nil, err
		}
		defer release()
		code, err := b.code(a)
		if err != nil {
			return nil, err
		}
		t, err := translate.NewTemplate(a.Revision, code, envoyVersion(a))
		if err != nil {
			return nil, fmt.Errorf("translate revision %s: %w", a.Revision.ID, err)
		}
		b.keep(&built{key: k, template: t, size: t.Len()})
		return t, nil
	})
	if err != nil {
		return nil, err
	}
	if resource := b.Cached(a); resource != nil {
		return resource, nil
	}
	// Too large for the cache.
	return salted(a, value.(*translate.Template)), nil
}

// acquire waits for the memory of a build. No build waits while it has memory, and no build asks
// for more than the whole. So each build gets its memory in the end.
func (b *ResourceBuilder) acquire(ctx context.Context, a delivery.Send) (release func(), err error) {
	if a.Version.Variant != delivery.Inline {
		return func() {}, nil // some hundred bytes
	}
	need := min(buildCopies*a.Revision.Module.Size, b.memory)
	if err := b.building.Acquire(ctx, need); err != nil {
		return nil, err
	}
	return func() { b.building.Release(need) }, nil
}

// salted is the resource with a salt. It shares the template's bytes.
func salted(a delivery.Send, t *translate.Template) *Resource {
	return newResource(a.Name, a.Version.String(), t.Prefix(), []byte(a.Version.Salt), t.Suffix())
}

func (b *ResourceBuilder) code(a delivery.Send) (translate.Code, error) {
	sum := a.Revision.Module.SHA256
	code := translate.Code{Variant: a.Version.Variant}
	switch a.Version.Variant {
	case delivery.Remote:
		code.URL = strings.TrimSuffix(b.addresses.ModulesURL, "/") + "/modules/" + sum + ".wasm"
		code.Cluster, code.Timeout = b.addresses.ModulesCluster, b.addresses.FetchTimeout
	case delivery.File:
		code.Path = strings.TrimSuffix(b.addresses.ModulesDir, "/") + "/" + sum + ".wasm"
	default:
		if code.Bytes = a.Revision.Code; code.Bytes != nil {
			return code, nil
		}
		bytes, err := b.modules.Read(sum)
		if err != nil {
			return code, fmt.Errorf("read module %s: %w", sum, err)
		}
		code.Bytes = bytes
	}
	return code, nil
}

func (b *ResourceBuilder) keep(entry *built) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if entry.size > cacheBytes || b.byKey[entry.key] != nil {
		return
	}
	entry.used = true
	b.byKey[entry.key] = b.order.PushFront(entry)
	b.size += entry.size
	for b.size > cacheBytes {
		b.remove(b.order.Back())
	}
	b.sweepLater()
}

// remove and sweepLater are called with mu held.
func (b *ResourceBuilder) remove(element *list.Element) {
	old := b.order.Remove(element).(*built)
	delete(b.byKey, old.key)
	b.size -= old.size
}

func (b *ResourceBuilder) sweepLater() {
	if !b.sweeps && b.order.Len() > 0 {
		b.sweeps = true
		time.AfterFunc(idleAfter, b.sweep)
	}
}

// sweep drops the resources no Envoy got since the last sweep. Otherwise each edit would stay, with
// the module, until the cache is full.
func (b *ResourceBuilder) sweep() {
	b.mu.Lock()
	defer b.mu.Unlock()
	var next *list.Element
	for element := b.order.Front(); element != nil; element = next {
		next = element.Next()
		if entry := element.Value.(*built); entry.used {
			entry.used = false
		} else {
			b.remove(element)
		}
	}
	b.sweeps = false
	b.sweepLater()
}
