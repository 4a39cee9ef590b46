package proxywasm

import "unsafe"

// allocated has the memory that the host has requested and the module has not read yet, by address.
// Without this map, the garbage collector would free the memory in between.
var allocated = map[uintptr][]byte{}

// allocate gives the host memory for a value from the host.
//
//go:wasmexport proxy_on_memory_allocate
func allocate(size uint32) unsafe.Pointer {
	if size == 0 {
		return nil
	}
	memory := make([]byte, size)
	address := unsafe.Pointer(unsafe.SliceData(memory))
	allocated[uintptr(address)] = memory
	return address
}

// take returns the value that the host has written to an address. An empty value has no address.
func take(address, size uint32) []byte {
	memory := allocated[uintptr(address)]
	delete(allocated, uintptr(address))
	return memory[:min(int(size), len(memory))]
}

// receive calls a host function that returns a value.
func receive(call func(address, size *uint32) uint32) ([]byte, error) {
	var address, size uint32
	if err := asError(call(&address, &size)); err != nil {
		return nil, err
	}
	return take(address, size), nil
}

// text returns b as a string, without a copy. The host only reads the text, and only during a call.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
