package signal

import "time"

// Figures are an Envoy's reports for a span of time. The counts of requests and their
// times are sums over all HTTP listeners of the Envoy, except for its admin port.
type Figures struct {
	Requests   uint64    // completed requests
	Errors5xx  uint64    // of them with a 5xx
	Denials4xx uint64    // of them with a 4xx
	Time       Histogram // of the requests, from the first byte in to the last byte out
	// Traps counts requests that Envoy failed because a module trapped, or because its VM had
	// trapped before. Envoy does not tell the filter: on a listener with several Wasm filters, the
	// traps are those of all.
	Traps uint64
	// Bypassed estimates the requests that passed without the filter, if its policy is open: after
	// a trap, the worker whose VM trapped lets requests pass. For other policies it has no meaning.
	Bypassed uint64
	// Reloads counts what Envoy did about the trapped VMs of a filter of the policy reload: VMs
	// made anew, and requests failed until then.
	Reloads uint64
	// Memory is the last size of Envoy's own heap in the span, in bytes, without the memory of
	// modules, which no Envoy up to 1.40 reports; 0: unknown.
	Memory uint64
	// MemoryPercent is the last share of the container's memory limit that is in use, with the
	// memory of modules, as the resource monitor cgroup_memory reports it; 0: Envoy has none.
	MemoryPercent uint64
	// Custom has the counters of modules by the name that the module chose. A name may belong to
	// several filters of an Envoy. Names without an increase are missing.
	Custom map[string]uint64
}

// Add adds the figures of another Envoy, or of another span. Memory becomes the larger one.
func (f *Figures) Add(other *Figures) {
	f.Requests += other.Requests
	f.Errors5xx += other.Errors5xx
	f.Denials4xx += other.Denials4xx
	f.Time.Add(&other.Time)
	f.Traps += other.Traps
	f.Bypassed += other.Bypassed
	f.Reloads += other.Reloads
	f.Memory, f.MemoryPercent = max(f.Memory, other.Memory), max(f.MemoryPercent, other.MemoryPercent)
	for name, n := range other.Custom {
		if f.Custom == nil {
			f.Custom = make(map[string]uint64, len(other.Custom))
		}
		f.Custom[name] += n
	}
}

// Span is an Envoy's report at once, or for several spans that were merged.
type Span struct {
	Start, End time.Time
	Figures
}
