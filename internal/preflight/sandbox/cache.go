package sandbox

// cache has the decoded modules of the latest runs. [Modules] guards the cache.
type cache struct {
	limit int // bytes of the modules
	kept  map[moduleKey]*prepared
	codes map[moduleSum]*keptCode // of the kept modules
	size  int                     // of the kept modules
	clock uint64
}

// keptCode is the code of several kept modules.
type keptCode struct {
	code
	of int
}

func newCache(limit int) cache {
	return cache{limit: limit, kept: map[moduleKey]*prepared{}, codes: map[moduleSum]*keptCode{}}
}

func (c *cache) known(sum moduleSum) (known code, ok bool) {
	if kept := c.codes[sum]; kept != nil {
		return kept.code, true
	}
	return code{}, false
}

// take returns a kept module, or nil. The caller becomes a user of the module.
func (c *cache) take(key moduleKey) *prepared {
	p := c.kept[key]
	if p != nil {
		p.users++
		c.touch(p)
	}
	return p
}

func (c *cache) touch(p *prepared) {
	c.clock++
	p.used = c.clock
}

// add takes over a module from a user, unless the module is too large or another run has been
// faster. While [cache.tooLarge], the caller drops the [cache.oldest] module.
func (c *cache) add(p *prepared) {
	p.users = 1
	if c.kept[p.key] != nil || p.size > c.limit {
		p.dropped = true
		return
	}
	c.kept[p.key] = p
	c.addCode(p)
	c.size += p.size
	c.touch(p)
}

func (c *cache) tooLarge() bool { return c.size > c.limit }

func (c *cache) addCode(p *prepared) {
	known := c.codes[p.key.module]
	if known == nil {
		known = &keptCode{code: p.code}
		c.codes[p.key.module] = known
	}
	known.of++
}

func (c *cache) removeCode(p *prepared) {
	known := c.codes[p.key.module]
	if known.of--; known.of == 0 {
		delete(c.codes, p.key.module)
	}
}

func (c *cache) oldest() *prepared {
	var oldest *prepared
	for _, p := range c.kept {
		if oldest == nil || p.used < oldest.used {
			oldest = p
		}
	}
	return oldest
}

// remove keeps a module no longer; false: the module is not kept.
func (c *cache) remove(p *prepared) bool {
	if p.dropped {
		return false
	}
	p.dropped = true
	delete(c.kept, p.key)
	c.removeCode(p)
	c.size -= p.size
	return true
}
