package host

import (
	"strconv"
	"time"
)

// basics are the host functions that keep nothing: logging, time and the runtimes of toolchains.
type basics struct {
	memory *memory
	logs   *logs
}

func (b *basics) bind(name string) handler {
	switch name {
	case "proxy_log":
		return b.log
	case "proxy_get_log_level":
		return b.logLevel
	case "proxy_get_current_time_nanoseconds":
		return b.time
	case "proxy_set_tick_period_milliseconds":
		// The sandbox ticks when its caller says so.
		return func([]uint64) uint64 { return resultOK }
	case "envoy_resolve_dns":
		return b.resolveDNS
	case "pthread_equal":
		return func(a []uint64) uint64 { return asFlag(a[0] == a[1]) }
	case "emscripten_notify_memory_growth":
		return func([]uint64) uint64 { return 0 }
	default:
		return nil
	}
}

func (b *basics) log(a []uint64) uint64 {
	level := LogLevel(uint32(a[0]))
	if level < LogTrace || level > LogCritical {
		return resultBadArgument
	}
	text, ok := b.memory.bytes(a[1], a[2])
	if !ok {
		return resultInvalidMemory
	}
	b.logs.add(level, string(text[:min(len(text), maximumLogLine+1)]))
	return resultOK
}

func (b *basics) logLevel(a []uint64) uint64 {
	if !b.memory.putU32(a[0], uint32(LogInfo)) {
		return resultInvalidMemory
	}
	return resultOK
}

func (b *basics) time(a []uint64) uint64 {
	if !b.memory.putU64(a[0], uint64(time.Now().UnixNano())) {
		return resultInvalidMemory
	}
	return resultOK
}

// resolveDNS has no network: Envoy would answer later, the sandbox never does.
func (b *basics) resolveDNS(a []uint64) uint64 {
	name, ok := b.memory.text(a[0], a[1])
	if !ok || !b.memory.putU32(a[2], 1) {
		return resultInvalidMemory
	}
	b.logs.add(LogDebug, "[host] "+strconv.Quote(name)+" is not looked up in the sandbox")
	return resultOK
}
