package preflight

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

// buffer returns the buffer of a kind that a module may see now, or nil. If a body could exist and
// does not, Envoy has an empty body that cannot be changed.
func (h *host) buffer(kind uint64) (content *[]byte, writable bool) {
	c := h.context()
	switch kind {
	case bufferRequestBody:
		if c.stream != nil {
			content = c.stream.request.body()
		}
	case bufferResponseBody:
		if c.stream != nil {
			content = c.stream.response.body()
		}
	case bufferDownstream:
		if c.connection != nil {
			content = c.connection.downstream.visible
		}
	case bufferUpstream:
		if c.connection != nil {
			content = c.connection.upstream.visible
		}
	case bufferCallBody, bufferGRPC:
		if h.state.answer != nil {
			body := slices.Concat(h.state.answer.Message.Body...)
			return &body, false
		}
		if kind == bufferCallBody {
			return nil, false
		}
	case bufferVMConfig:
		return configBytes(h.request.VMConfig), false
	case bufferPluginConfig:
		if h.step == finding.StepConfigure {
			h.readConfig = true
			return configBytes(h.request.PluginConfig), false
		}
		return nil, false
	}
	if content != nil {
		return content, true
	}
	return new([]byte), false
}

// body returns the body that a module sees: during the body's callback, and while the module holds
// the body back.
func (d *half) body() *[]byte {
	if d.visible == nil && d.buffering {
		return &d.buffered
	}
	return d.visible
}

func configBytes(config *string) *[]byte {
	b := []byte{}
	if config != nil {
		b = []byte(*config)
	}
	return &b
}

func (h *host) getBufferBytes(a []uint64) uint64 {
	if a[0] > lastBuffer {
		return resultBadArgument
	}
	content, _ := h.buffer(a[0])
	if content == nil {
		return resultNotFound
	}
	start, length, size := a[1], a[2], uint64(len(*content))
	if start >= size {
		return h.give(nil, a[3], a[4])
	}
	return h.give((*content)[start:min(start+length, size)], a[3], a[4])
}

func (h *host) getBufferStatus(a []uint64) uint64 {
	if a[0] > lastBuffer {
		return resultBadArgument
	}
	content, _ := h.buffer(a[0])
	if content == nil {
		return resultNotFound
	}
	if !h.putU32(a[1], uint32(len(*content))) || !h.putU32(a[2], 0) {
		return resultInvalidMemory
	}
	return resultOK
}

// setBufferBytes replaces the beginning, or appends, as in Envoy.
func (h *host) setBufferBytes(a []uint64) uint64 {
	if a[0] > lastBuffer {
		return resultBadArgument
	}
	content, writable := h.buffer(a[0])
	if content == nil {
		return resultNotFound
	}
	data, ok := h.bytes(a[3], a[4])
	if !ok {
		return resultInvalidMemory
	}
	if !writable {
		return resultBadArgument
	}
	h.keep(len(data))
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

func (h *host) getConfiguration(a []uint64) uint64 {
	config := h.request.VMConfig
	if h.step == finding.StepConfigure {
		h.readConfig = true
		config = h.request.PluginConfig
	}
	return h.give(*configBytes(config), a[0], a[1])
}
