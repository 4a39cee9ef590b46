package corpus

import "github.com/wasm-xds/wasm-xds/internal/wasmenc"

// The ids of the sections in cases.
const (
	sectionType   = 1
	sectionImport = 2
	sectionTable  = 4
	sectionMemory = 5
	sectionGlobal = 6
	sectionExport = 7
	sectionStart  = 8
	sectionCode   = 10
)

const headerSize = 8

// with adds a section to a module or replaces the section of the same id.
func with(module []byte, id byte, content []byte) []byte {
	out := append([]byte(nil), module[:headerSize]...)
	done := false
	for at := headerSize; at < len(module); {
		begin, other := at, module[at]
		size, length := number(module[at+1:])
		at += 1 + length + size
		if !done && other >= id {
			out, done = wasmenc.AppendSection(out, id, content), true
		}
		if other != id {
			out = append(out, module[begin:at]...)
		}
	}
	if !done {
		out = wasmenc.AppendSection(out, id, content)
	}
	return out
}

// number reads unsigned LEB128.
func number(b []byte) (value, length int) {
	for shift := 0; ; shift += 7 {
		value |= int(b[length]&0x7f) << shift
		length++
		if b[length-1]&0x80 == 0 {
			return value, length
		}
	}
}

func leb(v uint32) []byte {
	var b []byte
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}
