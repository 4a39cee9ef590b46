package host

import (
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

// The kinds of buffers.
const (
	bufferRequestBody = iota
	bufferResponseBody
	bufferDownstream
	bufferUpstream
	bufferCallBody
	bufferGRPC
	bufferVMConfig
	bufferPluginConfig
	bufferCallData
	lastBuffer = bufferCallData
)

// buffers are the host functions for bodies, the data of connections, and configurations.
type buffers struct {
	memory     *memory
	budget     *budget
	contexts   *contexts
	answers    *answers
	at         *progress
	config     *Config
	readConfig bool // the module has read its plugin's configuration
}

func (b *buffers) bind(name string) handler {
	switch name {
	case "proxy_get_buffer_status":
		return b.status
	case "proxy_get_buffer_bytes":
		return b.get
	case "proxy_set_buffer_bytes":
		return b.set
	case "proxy_get_configuration":
		return b.configuration
	default:
		return nil
	}
}

// buffer returns the buffer of a kind that a module may see now, or nil. If a body could exist and
// does not, Envoy has an empty body that cannot be changed.
func (b *buffers) buffer(kind uint64) (content *[]byte, writable bool) {
	c := b.contexts.active()
	switch kind {
	case bufferRequestBody:
		if c.exchange != nil {
			content = c.exchange.request.body()
		}
	case bufferResponseBody:
		if c.exchange != nil {
			content = c.exchange.response.body()
		}
	case bufferDownstream:
		if c.link != nil {
			content = c.link.downstream.visible
		}
	case bufferUpstream:
		if c.link != nil {
			content = c.link.upstream.visible
		}
	case bufferCallBody, bufferGRPC:
		if m := b.answers.message(); m != nil {
			body := slices.Concat(m.Body...)
			return &body, false
		}
		if kind == bufferCallBody {
			return nil, false
		}
	case bufferVMConfig:
		config := configBytes(b.config.VMConfig)
		return &config, false
	case bufferPluginConfig:
		if b.at.step != finding.StepConfigure {
			return nil, false
		}
		config := b.pluginConfig()
		return &config, false
	}
	if content != nil {
		return content, true
	}
	return new([]byte), false
}

func (b *buffers) pluginConfig() []byte {
	b.readConfig = true
	return configBytes(b.config.PluginConfig)
}

func (b *buffers) get(a []uint64) uint64 {
	if a[0] > lastBuffer {
		return resultBadArgument
	}
	content, _ := b.buffer(a[0])
	if content == nil {
		return resultNotFound
	}
	start, length, size := a[1], a[2], uint64(len(*content))
	if start >= size {
		return b.memory.give(nil, a[3], a[4])
	}
	return b.memory.give((*content)[start:min(start+length, size)], a[3], a[4])
}

func (b *buffers) status(a []uint64) uint64 {
	if a[0] > lastBuffer {
		return resultBadArgument
	}
	content, _ := b.buffer(a[0])
	if content == nil {
		return resultNotFound
	}
	if !b.memory.putU32(a[1], uint32(len(*content))) || !b.memory.putU32(a[2], 0) {
		return resultInvalidMemory
	}
	return resultOK
}

// set replaces the beginning, or appends, as in Envoy.
func (b *buffers) set(a []uint64) uint64 {
	if a[0] > lastBuffer {
		return resultBadArgument
	}
	content, writable := b.buffer(a[0])
	if content == nil {
		return resultNotFound
	}
	data, ok := b.memory.bytes(a[3], a[4])
	if !ok {
		return resultInvalidMemory
	}
	if !writable {
		return resultBadArgument
	}
	b.budget.keep(len(data))
	start, length := a[1], a[2]
	switch {
	case start == 0:
		*content = slices.Concat(data, (*content)[min(length, uint64(len(*content))):])
	case start >= uint64(len(*content)):
		*content = slices.Concat(*content, data)
	default:
		return resultBadArgument
	}
	return resultOK
}

func (b *buffers) configuration(a []uint64) uint64 {
	if b.at.step == finding.StepConfigure {
		return b.memory.give(b.pluginConfig(), a[0], a[1])
	}
	return b.memory.give(configBytes(b.config.VMConfig), a[0], a[1])
}
