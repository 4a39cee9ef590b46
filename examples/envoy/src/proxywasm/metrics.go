package proxywasm

// Metric is a metric of Envoy. All threads of an Envoy share the metric.
type Metric uint32

// The kinds of metrics of the ABI.
const (
	kindCounter   = 0
	kindGauge     = 1
	kindHistogram = 2
)

// Counter makes or finds the counter with this name. Envoy puts "wasmcustom." before the name.
func Counter(name string) (Metric, error) { return define(kindCounter, name) }

// Gauge makes or finds the gauge with this name.
func Gauge(name string) (Metric, error) { return define(kindGauge, name) }

// Histogram makes or finds the histogram with this name.
func Histogram(name string) (Metric, error) { return define(kindHistogram, name) }

func define(kind uint32, name string) (Metric, error) {
	var metric uint32
	err := asError(proxyDefineMetric(kind, name, &metric))
	return Metric(metric), err
}

// Add adds to a counter or a gauge. A negative offset lowers the gauge.
func (m Metric) Add(offset int64) error { return asError(proxyIncrementMetric(uint32(m), offset)) }

// Record sets a gauge, or adds a value to a histogram.
func (m Metric) Record(value uint64) error { return asError(proxyRecordMetric(uint32(m), value)) }

// Value returns the value of a counter or a gauge.
func (m Metric) Value() (uint64, error) {
	var value uint64
	err := asError(proxyGetMetric(uint32(m), &value))
	return value, err
}
