package preflight

import (
	"strconv"
	"time"
)

// sharedValue is one entry of shared data.
type sharedValue struct {
	value []byte
	cas   uint32
}

// queue is a shared queue; its token is its index plus one.
type queue struct {
	name  string
	items [][]byte
}

// metric is one metric. A module may define a name several times.
type metric struct {
	Metric
	id uint32
}

// perItem is the size of an item beside its content.
const perItem = 64

// setShared may run outside of the module, where the host cannot stop it. A value beyond the limit
// then stops the module at its next stored item.
func (h *host) setShared(key string, value []byte) {
	h.state.cas++
	size := len(key) + len(value)
	if old, ok := h.state.shared[key]; ok {
		size -= len(key) + len(old.value)
	}
	h.stored += size
	h.state.shared[key] = sharedValue{append([]byte(nil), value...), h.state.cas}
}

func (h *host) removeShared(key string) {
	if old, ok := h.state.shared[key]; ok {
		h.stored -= len(key) + len(old.value)
		delete(h.state.shared, key)
	}
}

func (h *host) getSharedData(a []uint64) uint64 {
	key, ok := h.text(a[0], a[1])
	if !ok {
		return resultInvalidMemory
	}
	v, ok := h.state.shared[key]
	if !ok {
		return resultNotFound
	}
	if r := h.give(v.value, a[2], a[3]); r != resultOK {
		return r
	}
	if !h.putU32(a[4], v.cas) {
		return resultInvalidMemory
	}
	return resultOK
}

func (h *host) setSharedData(a []uint64) uint64 {
	key, ok := h.text(a[0], a[1])
	value, also := h.bytes(a[2], a[3])
	if !ok || !also {
		return resultInvalidMemory
	}
	if old, ok := h.state.shared[key]; ok && a[4] != 0 && a[4] != uint64(old.cas) {
		return resultCASMismatch
	}
	h.setShared(key, value)
	h.bound()
	return resultOK
}

func (h *host) queueToken(name string) uint32 {
	for i, q := range h.state.queues {
		if q.name == name {
			return uint32(i + 1)
		}
	}
	return 0
}

func (h *host) registerQueue(a []uint64) uint64 {
	name, ok := h.text(a[0], a[1])
	if !ok {
		return resultInvalidMemory
	}
	token := h.queueToken(name)
	if token == 0 {
		h.store(len(name) + perItem)
		h.state.queues = append(h.state.queues, &queue{name: name})
		token = uint32(len(h.state.queues))
	}
	if !h.putU32(a[2], token) {
		return resultInvalidMemory
	}
	return resultOK
}

func (h *host) resolveQueue(a []uint64) uint64 {
	vm, ok := h.text(a[0], a[1])
	name, also := h.text(a[2], a[3])
	if !ok || !also {
		return resultInvalidMemory
	}
	token := h.queueToken(name)
	if token == 0 || vm != "" && vm != h.request.VMID {
		return resultNotFound
	}
	if !h.putU32(a[4], token) {
		return resultInvalidMemory
	}
	return resultOK
}

func (h *host) queue(token uint64) *queue {
	if i := int(uint32(token)) - 1; i >= 0 && i < len(h.state.queues) {
		return h.state.queues[i]
	}
	return nil
}

func (h *host) dequeue(a []uint64) uint64 {
	q := h.queue(a[0])
	if q == nil {
		return resultNotFound
	}
	if len(q.items) == 0 {
		return resultEmpty
	}
	item := q.items[0]
	q.items = q.items[1:]
	h.store(-len(item) - perItem)
	return h.give(item, a[1], a[2])
}

func (h *host) enqueue(a []uint64) uint64 {
	data, ok := h.bytes(a[1], a[2])
	if !ok {
		return resultInvalidMemory
	}
	q := h.queue(a[0])
	if q == nil {
		return resultNotFound
	}
	h.store(len(data) + perItem)
	q.items = append(q.items, append([]byte(nil), data...))
	return resultOK
}

func (h *host) defineMetric(a []uint64) uint64 {
	name, ok := h.text(a[1], a[2])
	if !ok {
		return resultInvalidMemory
	}
	kind := MetricType(uint32(a[0]))
	if kind > Histogram {
		return resultBadArgument
	}
	m := h.metricNamed(name, kind)
	if !h.putU32(a[3], m.id) {
		return resultInvalidMemory
	}
	return resultOK
}

func (h *host) metricNamed(name string, kind MetricType) *metric {
	for _, m := range h.state.metrics {
		if m.Name == name && m.Type == kind {
			return m
		}
	}
	h.store(len(name) + perItem)
	// The lowest bits of an id are its type, as in Envoy.
	m := &metric{Metric: Metric{Name: name, Type: kind}, id: uint32(len(h.state.metrics)+1)<<2 | uint32(kind)}
	h.state.metrics = append(h.state.metrics, m)
	return m
}

// metricType returns the type in an id.
func metricType(id uint64) MetricType { return MetricType(id & 3) }

func (h *host) metric(id uint64) *metric {
	if i := int(uint32(id)>>2) - 1; i >= 0 && i < len(h.state.metrics) && h.state.metrics[i].id == uint32(id) {
		return h.state.metrics[i]
	}
	return nil
}

func (h *host) incrementMetric(a []uint64) uint64 {
	m, offset := h.metric(a[0]), int64(a[1])
	switch {
	case metricType(a[0]) >= Histogram:
		return resultBadArgument
	case m == nil:
		return resultNotFound
	case m.Type == Counter && offset <= 0:
		return resultBadArgument
	}
	m.Value += uint64(offset)
	return resultOK
}

func (h *host) recordMetric(a []uint64) uint64 {
	m := h.metric(a[0])
	switch {
	case m == nil:
		return resultNotFound
	case m.Type == Counter:
		m.Value += a[1]
	default:
		m.Value = a[1]
	}
	return resultOK
}

func (h *host) getMetric(a []uint64) uint64 {
	m := h.metric(a[0])
	switch {
	case metricType(a[0]) >= Histogram:
		return resultBadArgument
	case m == nil:
		return resultNotFound
	}
	if !h.putU64(a[1], m.Value) {
		return resultInvalidMemory
	}
	return resultOK
}

func (h *host) proxyLog(a []uint64) uint64 {
	level := LogLevel(uint32(a[0]))
	if level < LogTrace || level > LogCritical {
		return resultBadArgument
	}
	text, ok := h.bytes(a[1], a[2])
	if !ok {
		return resultInvalidMemory
	}
	h.log(level, string(text[:min(len(text), maximumLogLine+1)]))
	return resultOK
}

func (h *host) getLogLevel(a []uint64) uint64 {
	if !h.putU32(a[0], uint32(LogInfo)) {
		return resultInvalidMemory
	}
	return resultOK
}

func (h *host) currentTime(a []uint64) uint64 {
	if !h.putU64(a[0], uint64(time.Now().UnixNano())) {
		return resultInvalidMemory
	}
	return resultOK
}

func (h *host) setTick(a []uint64) uint64 {
	h.state.tick = time.Duration(uint32(a[0])) * time.Millisecond
	return resultOK
}

func (h *host) getStatus(a []uint64) uint64 {
	if !h.putU32(a[0], h.state.status) {
		return resultInvalidMemory
	}
	return h.give(nil, a[1], a[2])
}

// resolveDNS has no network: Envoy would answer later, the sandbox never does.
func (h *host) resolveDNS(a []uint64) uint64 {
	name, ok := h.text(a[0], a[1])
	if !ok || !h.putU32(a[2], 1) {
		return resultInvalidMemory
	}
	h.log(LogDebug, "[host] "+strconv.Quote(name)+" is not looked up in the sandbox")
	return resultOK
}
