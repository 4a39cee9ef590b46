package signal

import (
	"bytes"
	"strings"
)

// kind is the meaning of a stat.
type kind uint8

const (
	none kind = iota
	requests
	errors5xx
	denials4xx
	times      // of requests: a histogram or summary
	reloads    // by filter
	custom     // by the name that a module chose
	uptime     // a gauge, in seconds
	workers    // a gauge
	memory     // a gauge, in bytes
	pressure   // a gauge, in percent
	clustersUp // the counter that is never zero, unless counters come as deltas
)

// The prefixes and whole names of the interesting stats.
const (
	httpPrefix   = "http."
	adminPrefix  = "http.admin."
	wasmPrefix   = "wasm."
	customPrefix = "wasmcustom."
	reloadInfix  = ".vm_reload"
)

var (
	requestSuffixes = map[string]kind{
		"downstream_rq_completed": requests, "downstream_rq_5xx": errors5xx, "downstream_rq_4xx": denials4xx, "downstream_rq_time": times,
	}
	wholeNames = map[string]kind{
		"server.uptime": uptime, "server.concurrency": workers, "server.memory_physical_size": memory,
		"overload.envoy.resource_monitors.cgroup_memory.pressure":     pressure,
		"overload.envoy.resource_monitors.injected_resource.pressure": pressure,
		"cluster_manager.cluster_added":                               clustersUp,
	}
)

// kindOf recognises the name of a stat.
func kindOf(name []byte) kind {
	switch {
	case bytes.HasPrefix(name, []byte(httpPrefix)):
		if bytes.HasPrefix(name, []byte(adminPrefix)) {
			return none
		}
		return requestSuffixes[string(name[bytes.LastIndexByte(name, '.')+1:])]
	case bytes.HasPrefix(name, []byte(customPrefix)):
		return custom
	case bytes.HasPrefix(name, []byte(wasmPrefix)):
		if at := bytes.LastIndex(name, []byte(reloadInfix)); at > len(wasmPrefix)-1 && !bytes.Contains(name[at+1:], []byte(".")) {
			return reloads
		}
		return none
	default:
		return wholeNames[string(name)]
	}
}

// labelOf is the filter of a reload, or the module's name of a custom counter.
func labelOf(k kind, name string) string {
	switch k {
	case reloads:
		name = strings.TrimPrefix(name, wasmPrefix)
		return name[:strings.LastIndex(name, reloadInfix)]
	case custom:
		return strings.TrimPrefix(name, customPrefix)
	default:
		return ""
	}
}
