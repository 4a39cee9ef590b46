package wasmenc

// The numbers of sections, with the names of the WebAssembly specification.
const (
	SectionCustom   = 0
	SectionType     = 1
	SectionImport   = 2
	SectionFunction = 3
	SectionTable    = 4
	SectionMemory   = 5
	SectionGlobal   = 6
	SectionExport   = 7
	SectionStart    = 8
	SectionElement  = 9
	SectionCode     = 10
	SectionData     = 11
	SectionTag      = 13
)

// The kinds of imports and exports.
const (
	KindFunc   = 0x00
	KindTable  = 0x01
	KindMemory = 0x02
	KindGlobal = 0x03
	KindTag    = 0x04
)

// TypeFunc begins a function's type.
const TypeFunc = 0x60

const (
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
