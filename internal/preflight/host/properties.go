package host

import (
	"strings"
)

// properties are the host functions for properties.
type properties struct {
	memory     *memory
	budget     *budget
	misses     *misses
	contexts   *contexts
	config     *Config
	readRootID bool // the module has asked for its root id
}

func (p *properties) bind(name string) handler {
	switch name {
	case "proxy_get_property":
		return p.get
	case "proxy_set_property":
		return p.set
	default:
		return nil
	}
}

func (p *properties) get(a []uint64) uint64 {
	raw, ok := p.memory.text(a[0], a[1])
	if !ok {
		return resultInvalidMemory
	}
	parts := strings.Split(strings.TrimRight(raw, "\x00"), "\x00")
	value, ok := p.value(parts)
	if !ok {
		p.misses.add("the property " + strings.Join(parts, "."))
		return resultNotFound
	}
	return p.memory.give(value, a[2], a[3])
}

func (p *properties) set(a []uint64) uint64 {
	path, ok := p.memory.text(a[0], a[1])
	value, also := p.memory.text(a[2], a[3])
	if !ok || !also {
		return resultInvalidMemory
	}
	c := p.contexts.active()
	if c.exchange == nil && c.link == nil {
		return resultNotFound // the state would belong to a stream, and there is none
	}
	p.budget.keep(len(path) + len(value))
	c.set(strings.ReplaceAll(strings.TrimRight(path, "\x00"), "\x00", "."), value)
	return resultOK
}

// value looks first at the properties that the caller or the module has set, then at the plugin's
// own, and then at the message.
func (p *properties) value(parts []string) ([]byte, bool) {
	path := strings.Join(parts, ".")
	c := p.contexts.active()
	if value, ok := c.properties[path]; ok {
		return encodeProperty(path, value), true
	}
	if value, ok := c.properties["wasm."+path]; ok {
		return []byte(value), true
	}
	switch path {
	case "plugin_name":
		return []byte(p.config.Name), true
	case "plugin_root_id":
		p.readRootID = true
		return []byte(p.config.RootID), true
	case "plugin_vm_id":
		return []byte(p.config.VMID), true
	}
	var value string
	var ok bool
	switch {
	case c.exchange != nil:
		value, ok = exchangeProperty(c.exchange, parts)
		if !ok {
			value, ok = exchangeAttribute(c.exchange, path)
		}
	case c.link != nil:
		value, ok = linkProperty(c.link, path)
	}
	if !ok {
		return nil, false
	}
	return encodeProperty(path, value), true
}
