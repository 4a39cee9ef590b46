package resource

import (
	"container/list"
	"sync"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

// cacheBytes bounds the cache: marshalled resources, which contain whole modules if they are
// inline. standInBytes bounds the cache of the stand-ins: clients make up names without a spec, and
// each has a resource of its own.
const (
	cacheBytes   = 256 << 20
	standInBytes = 4 << 20
)

// idleAfter is how long, up to twice, an unused resource is kept. A push reaches a fleet within
// seconds, and a later Envoy costs little more than reading the module from disk.
// See docs/RATIONALE.md#how-long-are-marshalled-resources-kept.
const idleAfter = time.Minute

// key names the content shared by all salts.
type key struct {
	revision string
	variant  delivery.Variant
	dialect  string
}

// cache keeps templates, and of each the resource with the newest salt. Safe for concurrent use.
type cache struct {
	most   int // the limit of size
	mu     sync.Mutex
	byKey  map[key]*list.Element
	order  *list.List // of *entry, the most recently used first
	size   int
	sweeps bool // a sweep is due
}

type entry struct {
	key      key
	template *translate.Template
	resource *wire.Resource // with the newest salt
	salt     string
	used     bool // since the last sweep
}

func newCache(most int) *cache {
	return &cache{most: most, byKey: map[key]*list.Element{}, order: list.New()}
}

// get returns the resource of a send; nil: no template is kept for the key.
func (c *cache) get(k key, a delivery.Send) *wire.Resource {
	c.mu.Lock()
	defer c.mu.Unlock()
	element := c.byKey[k]
	if element == nil {
		return nil
	}
	c.order.MoveToFront(element)
	e := element.Value.(*entry)
	e.used = true
	if e.salt != a.Version.Salt {
		e.resource = salted(a, e.template)
		e.salt = a.Version.Salt
	}
	return e.resource
}

// salted is the resource with a send's salt. It shares the template's bytes.
func salted(a delivery.Send, t *translate.Template) *wire.Resource {
	return wire.NewResource(a.Name, a.Version.String(), t.Prefix(), []byte(a.Version.Salt), t.Suffix())
}

// keep keeps a template, unless the template is larger than the cache.
func (c *cache) keep(k key, t *translate.Template) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cost(t) > c.most || c.byKey[k] != nil {
		return
	}
	c.byKey[k] = c.order.PushFront(&entry{key: k, template: t, used: true})
	c.size += cost(t)
	for c.size > c.most {
		c.remove(c.order.Back())
	}
	c.sweepLater()
}

// remove and sweepLater are called with mu locked.
func (c *cache) remove(element *list.Element) {
	e := c.order.Remove(element).(*entry)
	delete(c.byKey, e.key)
	c.size -= cost(e.template)
}

// entryBytes is about the size of an entry without its bytes, and smallCopies how many more times
// a resource has the bytes of a small template: in the form for SotW, and in the form for delta.
const (
	entryBytes  = 1 << 10
	smallCopies = 2
)

// cost is about the memory of an entry with the template. For stand-ins of a kilobyte, it is some
// times the template's length.
func cost(t *translate.Template) int {
	return entryBytes + t.Len() + smallCopies*min(t.Len(), wire.SmallValue)
}

func (c *cache) sweepLater() {
	if !c.sweeps && c.order.Len() > 0 {
		c.sweeps = true
		time.AfterFunc(idleAfter, c.sweep)
	}
}

// sweep drops the resources no Envoy got since the last sweep. Otherwise each edit would stay, with
// the module, until the cache is full.
func (c *cache) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	var next *list.Element
	for element := c.order.Front(); element != nil; element = next {
		next = element.Next()
		if e := element.Value.(*entry); e.used {
			e.used = false
		} else {
			c.remove(element)
		}
	}
	c.sweeps = false
	c.sweepLater()
}
