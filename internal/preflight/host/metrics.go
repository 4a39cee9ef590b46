package host

import (
	"cmp"
	"slices"
)

// MetricType is the number of a kind of metric in Proxy-Wasm.
type MetricType uint32

// The kinds of metrics.
const (
	Counter MetricType = iota
	Gauge
	Histogram
)

// Metric is the current value of one metric; of a histogram, the last recorded value.
type Metric struct {
	Name  string
	Type  MetricType
	Value uint64
}

// metric is one metric. A module may define a name several times.
type metric struct {
	Metric
	id uint32
}

// metrics are the host functions for metrics, and the metrics.
type metrics struct {
	memory *memory
	budget *budget
	all    []*metric
}

func (m *metrics) bind(name string) handler {
	switch name {
	case "proxy_define_metric":
		return m.define
	case "proxy_increment_metric":
		return m.increment
	case "proxy_record_metric":
		return m.record
	case "proxy_get_metric":
		return m.get
	default:
		return nil
	}
}

// list returns the metrics by name.
func (m *metrics) list() []Metric {
	var list []Metric
	for _, one := range m.all {
		list = append(list, one.Metric)
	}
	slices.SortFunc(list, func(a, b Metric) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

func (m *metrics) define(a []uint64) uint64 {
	name, ok := m.memory.text(a[1], a[2])
	if !ok {
		return resultInvalidMemory
	}
	kind := MetricType(uint32(a[0]))
	if kind > Histogram {
		return resultBadArgument
	}
	if !m.memory.putU32(a[3], m.named(name, kind).id) {
		return resultInvalidMemory
	}
	return resultOK
}

// named returns the metric of a name and a kind, new if necessary.
func (m *metrics) named(name string, kind MetricType) *metric {
	for _, one := range m.all {
		if one.Name == name && one.Type == kind {
			return one
		}
	}
	m.budget.store(len(name) + perItem)
	// The lowest bits of an id are its type, as in Envoy.
	one := &metric{Metric: Metric{Name: name, Type: kind}, id: uint32(len(m.all)+1)<<2 | uint32(kind)}
	m.all = append(m.all, one)
	return one
}

// typeIn returns the type in an id.
func typeIn(id uint64) MetricType { return MetricType(id & 3) }

func (m *metrics) find(id uint64) *metric {
	if i := int(uint32(id)>>2) - 1; i >= 0 && i < len(m.all) && m.all[i].id == uint32(id) {
		return m.all[i]
	}
	return nil
}

func (m *metrics) increment(a []uint64) uint64 {
	one, offset := m.find(a[0]), int64(a[1])
	switch {
	case typeIn(a[0]) >= Histogram:
		return resultBadArgument
	case one == nil:
		return resultNotFound
	case one.Type == Counter && offset <= 0:
		return resultBadArgument
	}
	one.Value += uint64(offset)
	return resultOK
}

func (m *metrics) record(a []uint64) uint64 {
	one := m.find(a[0])
	switch {
	case one == nil:
		return resultNotFound
	case one.Type == Counter:
		one.Value += a[1]
	default:
		one.Value = a[1]
	}
	return resultOK
}

func (m *metrics) get(a []uint64) uint64 {
	one := m.find(a[0])
	switch {
	case typeIn(a[0]) >= Histogram:
		return resultBadArgument
	case one == nil:
		return resultNotFound
	}
	if !m.memory.putU64(a[1], one.Value) {
		return resultInvalidMemory
	}
	return resultOK
}
