package preflight

import "slices"

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

// buffer is the buffer of a kind that a module may see now; nil: none.
func (h *host) buffer(kind uint64) (content *[]byte, writable bool) {
	c := h.context()
	switch kind {
	case bufferRequestBody:
		if c.stream != nil {
			return c.stream.request.visible, true
		}
	case bufferResponseBody:
		if c.stream != nil {
			return c.stream.response.visible, true
		}
	case bufferDownstream:
		if c.connection != nil {
			return c.connection.downstream.visible, true
		}
	case bufferUpstream:
		if c.connection != nil {
			return c.connection.upstream.visible, true
		}
	case bufferCallBody, bufferGRPC:
		if h.state.answer != nil {
			body := slices.Concat(h.state.answer.Message.Body...)
			return &body, false
		}
	case bufferVMConfig:
		return configBytes(h.request.VMConfig), false
	case bufferPluginConfig:
		if h.step == StepConfigure {
			h.readConfig = true
			return configBytes(h.request.PluginConfig), false
		}
	}
	return nil, false
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
	start, length, size := uint64(uint32(a[1])), uint64(uint32(a[2])), uint64(len(*content))
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

// setBufferBytes replaces the beginning, or appends: Envoy can do no more.
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
	start, length := uint64(uint32(a[1])), uint64(uint32(a[2]))
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
	if h.step == StepConfigure {
		h.readConfig = true
		config = h.request.PluginConfig
	}
	return h.give(*configBytes(config), a[0], a[1])
}
