package host

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
func errno(n uint64) handler { return func([]uint64) uint64 { return n } }

// onOutput returns a WASI function that knows only the two outputs.
func onOutput(n uint64) handler {
	return func(a []uint64) uint64 {
		if !isOutput(a[0]) {
			return wasiBadF
		}
		return n
	}
}

// wasi are the functions of WASI.
type wasi struct {
	memory  *memory
	logs    *logs
	at      *progress
	config  *Config
	targets *targets
}

func (w *wasi) bind(name string) handler {
	switch name {
	case "fd_write":
		return func(a []uint64) uint64 { return w.write(a[0], a[1], a[2], a[3]) }
	case "fd_fdstat_get":
		return w.fdstatGet
	case "environ_get":
		return w.environGet
	case "environ_sizes_get":
		return w.environSizes
	case "args_sizes_get":
		return func(a []uint64) uint64 { return w.putSizes(a, 0, 0) }
	case "clock_time_get":
		return w.clockTime
	case "random_get":
		return w.randomGet
	case "poll_oneoff":
		return w.pollOneoff
	case "proc_exit":
		return w.procExit
	case "clock_res_get":
		return w.clockRes
	case "fd_pwrite":
		return func(a []uint64) uint64 { return w.write(a[0], a[1], a[2], a[4]) }
	case "fd_tell":
		return w.fdTell
	case "fd_seek", "fd_close", "args_get", "sched_yield", "fd_advise":
		return errno(0)
	case "fd_read", "fd_fdstat_set_flags", "fd_prestat_dir_name", "fd_pread":
		return errno(wasiNoSys)
	case "path_open":
		return errno(wasiNoEnt)
	case "fd_prestat_get", "fd_filestat_get":
		return errno(wasiBadF)
	case "fd_readdir":
		return errno(wasiNotDir)
	case "path_create_directory", "path_filestat_get", "path_filestat_set_times", "path_link",
		"path_readlink", "path_remove_directory", "path_rename", "path_symlink",
		"path_unlink_file", "sock_accept", "sock_recv", "sock_send", "sock_shutdown":
		return errno(wasiNotSup)
	case "fd_fdstat_set_rights", "fd_allocate", "fd_datasync", "fd_filestat_set_size",
		"fd_filestat_set_times", "fd_sync":
		return onOutput(0)
	case "fd_renumber":
		return onOutput(wasiNotSup)
	default:
		return nil
	}
}

func isOutput(fd uint64) bool { return fd == stdout || fd == stderr }

// write logs: stdout at info, stderr at error.
func (w *wasi) write(fd, vectors, count, written uint64) uint64 {
	if !isOutput(fd) {
		return wasiBadF
	}
	if uint32(count) > maximumIOVecs {
		return wasiInvalid
	}
	var text strings.Builder
	size := 0
	for i := range uint32(count) {
		vector, ok := w.memory.bytes(uint64(uint32(vectors)+8*i), 8)
		if !ok {
			return wasiFault
		}
		part, ok := w.memory.bytes(uint64(le32(vector)), uint64(le32(vector[4:])))
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
		w.logs.add(level, strings.TrimSuffix(text.String(), "\n"))
	}
	if !w.memory.putU32(written, uint32(size)) {
		return wasiFault
	}
	return 0
}

func (w *wasi) fdstatGet(a []uint64) uint64 {
	if !isOutput(a[0]) {
		return wasiBadF
	}
	const rightFDWrite = 64
	for i, v := range []uint64{0, rightFDWrite, 0} {
		w.memory.putU64(a[1]+8*uint64(i), v) // Envoy does not check either
	}
	return 0
}

// environment is sorted; Envoy's order is that of a hash table.
func (w *wasi) environment() []string {
	var list []string
	for name, value := range w.config.Env {
		list = append(list, name+"="+value+"\x00")
	}
	slices.Sort(list)
	return list
}

func (w *wasi) environGet(a []uint64) uint64 {
	at, text := uint32(a[0]), uint32(a[1])
	for _, entry := range w.environment() {
		if !w.memory.putU32(uint64(at), text) || !w.memory.writeString(text, entry) {
			return wasiFault
		}
		at, text = at+4, text+uint32(len(entry))
	}
	return 0
}

func (w *wasi) environSizes(a []uint64) uint64 {
	size := 0
	list := w.environment()
	for _, entry := range list {
		size += len(entry)
	}
	return w.putSizes(a, uint32(len(list)), uint32(size))
}

func (w *wasi) putSizes(a []uint64, count, size uint32) uint64 {
	if !w.memory.putU32(a[0], count) || !w.memory.putU32(a[1], size) {
		return wasiFault
	}
	return 0
}

func (w *wasi) clockTime(a []uint64) uint64 {
	if a[0] > 1 {
		return wasiNotSup
	}
	if !w.memory.putU64(a[2], uint64(time.Now().UnixNano())) {
		return wasiFault
	}
	return 0
}

func (w *wasi) clockRes(a []uint64) uint64 {
	if a[0] > 1 {
		return wasiNotSup
	}
	if !w.memory.putU64(a[1], 1) {
		return wasiFault
	}
	return 0
}

func (w *wasi) randomGet(a []uint64) uint64 {
	if a[1] > maximumRandom {
		return wasiInvalid
	}
	b, ok := w.memory.bytes(a[0], a[1])
	if !ok {
		return wasiFault
	}
	_, _ = rand.Read(b) // it never fails
	return 0
}

func (w *wasi) pollOneoff(a []uint64) uint64 {
	if w.targets.since(envoy.PollSince) == nil {
		return wasiNoSys
	}
	if !w.memory.putU32(a[3], 0) {
		return wasiFault
	}
	return 0
}

func (w *wasi) fdTell(a []uint64) uint64 {
	if !isOutput(a[0]) {
		return wasiBadF
	}
	if !w.memory.putU64(a[1], 0) {
		return wasiFault
	}
	return 0
}

// procExit ends nothing, as in Envoy: the module goes on, and usually traps then.
func (w *wasi) procExit([]uint64) uint64 {
	w.at.exit()
	w.logs.add(LogError, "wasi_unstable proc_exit")
	return 0
}
