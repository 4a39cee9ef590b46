package host

import (
	"github.com/tetratelabs/wazero/api"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

// memory is the module's memory. All reading, writing and allocating goes through this type. Each
// method reports whether the addresses lie in the memory.
type memory struct {
	at     *progress
	module api.Module // nil until the module is instantiated
}

// bytes returns a view of the memory, valid until the module runs again.
func (m *memory) bytes(address, size uint64) ([]byte, bool) {
	memory := m.module.Memory()
	if memory == nil {
		return nil, false
	}
	return memory.Read(uint32(address), uint32(size))
}

// text returns a copy.
func (m *memory) text(address, size uint64) (string, bool) {
	b, ok := m.bytes(address, size)
	if ok && len(b) > maximumKept {
		m.at.stop(finding.CodeMemoryLimit, "the module hands %d MiB over in one go", len(b)>>20)
	}
	return string(b), ok
}

func (m *memory) write(address uint32, value []byte) bool {
	memory := m.module.Memory()
	return memory != nil && memory.Write(address, value)
}

func (m *memory) writeString(address uint32, value string) bool {
	memory := m.module.Memory()
	return memory != nil && memory.WriteString(address, value)
}

func (m *memory) putU32(address uint64, value uint32) bool {
	memory := m.module.Memory()
	return memory != nil && memory.WriteUint32Le(uint32(address), value)
}

func (m *memory) putU64(address, value uint64) bool {
	memory := m.module.Memory()
	return memory != nil && memory.WriteUint64Le(uint32(address), value)
}

// allocate gets memory from the module's own allocator.
func (m *memory) allocate(size int) (uint32, bool) {
	f := m.module.ExportedFunction(envoy.ExportMalloc)
	if f == nil {
		f = m.module.ExportedFunction(envoy.ExportAllocate)
	}
	if f == nil {
		return 0, false
	}
	result, err := f.Call(m.at.ctx, uint64(size))
	if err != nil {
		panic(err)
	}
	return uint32(result[0]), uint32(result[0]) != 0
}

// give copies a value into newly allocated memory, and returns the address to the module.
func (m *memory) give(value []byte, addressAt, sizeAt uint64) uint64 {
	var address uint32
	if len(value) > 0 {
		var ok bool
		if address, ok = m.allocate(len(value)); !ok || !m.write(address, value) {
			return resultInvalidMemory
		}
	}
	if !m.putU32(addressAt, address) || !m.putU32(sizeAt, uint32(len(value))) {
		return resultInvalidMemory
	}
	return resultOK
}

// size returns the size in bytes.
func (m *memory) size() uint32 {
	if memory := m.module.Memory(); memory != nil {
		return memory.Size()
	}
	return 0
}
