package wasmenc

// The numbers of the binary format, with the names of the WebAssembly specification.
const (
	sectionCustom   = 0
	sectionType     = 1
	sectionImport   = 2
	sectionFunction = 3
	sectionMemory   = 5
	sectionGlobal   = 6
	sectionExport   = 7
	sectionCode     = 10
	sectionData     = 11

	kindFunc      = 0x00
	kindMemory    = 0x02
	typeFunc      = 0x60
	limitMin      = 0x00
	globalMutable = 0x01
)

// Header returns the first bytes of every module: the magic number and version 1.
func Header() []byte {
	return []byte{0x00, 'a', 's', 'm', 0x01, 0x00, 0x00, 0x00}
}

// AppendSection appends a section with any content, valid or not.
func AppendSection(module []byte, id byte, content []byte) []byte {
	module = append(module, id)
	module = appendU32(module, uint32(len(content)))
	return append(module, content...)
}

func appendName(b []byte, name string) []byte {
	return append(appendU32(b, uint32(len(name))), name...)
}

// appendU32 appends unsigned LEB128.
func appendU32(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// appendS32 appends signed LEB128.
func appendS32(b []byte, v int32) []byte {
	for v < -0x40 || v > 0x3f {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v)&0x7f)
}
