package preflight

import (
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
)

// The errno of WASI.
const (
	wasiBadF       = 8
	wasiFault      = 21
	wasiInvalid    = 28
	wasiNoEnt      = 44
	wasiNoSys      = 52
	wasiNotDir     = 20
	wasiNotSup     = 58
	wasiNotCapable = 76
)

const (
	stdout = 1
	stderr = 2

	maximumRandom = 64 << 10
	maximumIOVecs = 1 << 16
)

// errno returns a WASI function that only fails, as in Envoy.
func errno(n uint64) handler { return func(*host, []uint64) uint64 { return n } }

// onOutput returns a WASI function that knows only the two outputs.
func onOutput(n uint64) handler {
	return func(_ *host, a []uint64) uint64 {
		if !isOutput(a[0]) {
			return wasiBadF
		}
		return n
	}
}

func isOutput(fd uint64) bool { return fd == stdout || fd == stderr }

func (h *host) fdWrite(a []uint64) uint64 { return h.write(a[0], a[1], a[2], a[3]) }

func (h *host) fdPwrite(a []uint64) uint64 { return h.write(a[0], a[1], a[2], a[4]) }

// write logs: stdout at info, stderr at error.
func (h *host) write(fd, vectors, count, written uint64) uint64 {
	if !isOutput(fd) {
		return wasiBadF
	}
	if uint32(count) > maximumIOVecs {
		return wasiInvalid
	}
	var text strings.Builder
	size := 0
	for i := range uint32(count) {
		vector, ok := h.bytes(uint64(uint32(vectors)+8*i), 8)
		if !ok {
			return wasiFault
		}
		part, ok := h.bytes(uint64(le32(vector)), uint64(le32(vector[4:])))
		if !ok {
			return wasiFault
		}
		size += len(part)
		text.Write(part[:min(len(part), max(0, maximumLogLine+1-text.Len()))])
	}
	level := LogInfo
	if fd == stderr {
		level = LogError
	}
	if size > 0 {
		h.log(level, strings.TrimSuffix(text.String(), "\n"))
	}
	if !h.putU32(written, uint32(size)) {
		return wasiFault
	}
	return 0
}

func (h *host) fdstatGet(a []uint64) uint64 {
	if !isOutput(a[0]) {
		return wasiBadF
	}
	const rightFDWrite = 64
	for i, v := range []uint64{0, rightFDWrite, 0} {
		h.putU64(a[1]+8*uint64(i), v) // Envoy does not check either
	}
	return 0
}

// environment is sorted; Envoy's order is that of a hash table.
func (h *host) environment() []string {
	var list []string
	for name, value := range h.request.Env {
		list = append(list, name+"="+value+"\x00")
	}
	slices.Sort(list)
	return list
}

func (h *host) environGet(a []uint64) uint64 {
	at, text := uint32(a[0]), uint32(a[1])
	for _, entry := range h.environment() {
		if !h.putU32(uint64(at), text) || !h.module.Memory().WriteString(text, entry) {
			return wasiFault
		}
		at, text = at+4, text+uint32(len(entry))
	}
	return 0
}

func (h *host) environSizes(a []uint64) uint64 {
	size := 0
	list := h.environment()
	for _, entry := range list {
		size += len(entry)
	}
	return h.putSizes(a, uint32(len(list)), uint32(size))
}

func (h *host) argsSizes(a []uint64) uint64 { return h.putSizes(a, 0, 0) }

func (h *host) putSizes(a []uint64, count, size uint32) uint64 {
	if !h.putU32(a[0], count) || !h.putU32(a[1], size) {
		return wasiFault
	}
	return 0
}

func (h *host) clockTime(a []uint64) uint64 {
	if a[0] > 1 {
		return wasiNotSup
	}
	if !h.putU64(a[2], uint64(time.Now().UnixNano())) {
		return wasiFault
	}
	return 0
}

func (h *host) clockRes(a []uint64) uint64 {
	if a[0] > 1 {
		return wasiNotSup
	}
	if !h.putU64(a[1], 1) {
		return wasiFault
	}
	return 0
}

func (h *host) randomGet(a []uint64) uint64 {
	if a[1] > maximumRandom {
		return wasiInvalid
	}
	b, ok := h.bytes(a[0], a[1])
	if !ok {
		return wasiFault
	}
	_, _ = rand.Read(b) // it never fails
	return 0
}

func (h *host) pollOneoff(a []uint64) uint64 {
	if envoy.Since(h.versions, envoy.PollSince) == nil {
		return wasiNoSys
	}
	if !h.putU32(a[3], 0) {
		return wasiFault
	}
	return 0
}

func (h *host) fdTell(a []uint64) uint64 {
	if !isOutput(a[0]) {
		return wasiBadF
	}
	if !h.putU64(a[1], 0) {
		return wasiFault
	}
	return 0
}

// procExit ends nothing, as in Envoy: the module goes on, and usually traps then.
func (h *host) procExit([]uint64) uint64 {
	h.exited = true
	h.log(LogError, "wasi_unstable proc_exit")
	return 0
}
