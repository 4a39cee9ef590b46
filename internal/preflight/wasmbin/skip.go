package wasmbin

import (
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

// The limits of V8, which wazero lacks: it allocates memory for the sizes that a module claims
// before it checks them. A module of a hundred bytes could make it take 34 GB.
const (
	maximumLocals = 50_000
	maximumTable  = 10_000_000
)

// checkSizes checks the sizes in a section, except those that the parser reads itself.
func checkSizes(id byte, in *reader) {
	switch id {
	case wasmenc.SectionTable:
		in.each(func() { skipTable(in) })
	case wasmenc.SectionCode:
		in.each(func() { checkBody(in) })
	case wasmenc.SectionElement:
		in.each(func() { skipElement(in) })
	case wasmenc.SectionData:
		in.each(func() { readData(in) })
	case wasmenc.SectionGlobal, wasmenc.SectionTag:
		in.count()
	}
}

// skipTable skips a table, which may end with a value for its entries.
func skipTable(in *reader) {
	const withValue = 0x40
	valued := in.valueType() == withValue
	if valued {
		in.byte()
		in.valueType()
	}
	if minimum, _, _ := in.limits(); minimum > maximumTable {
		in.failed = true
	}
	if valued {
		in.expression()
	}
}

// checkBody checks the number of a function's locals.
func checkBody(in *reader) {
	body := reader{data: in.bytes(in.u32())}
	locals := uint64(0)
	body.each(func() {
		locals += uint64(body.u32())
		body.valueType()
	})
	in.failed = in.failed || body.failed || locals > maximumLocals
}

// skipElement skips a segment of a table. The segment's flags describe its parts.
func skipElement(in *reader) {
	const passive, explicit, expressions = 1, 2, 4
	flags := in.u32()
	if flags&passive == 0 {
		if flags&explicit != 0 {
			in.u32() // the table
		}
		in.expression()
	}
	if flags&(passive|explicit) != 0 {
		in.valueType()
	}
	if flags&expressions != 0 {
		in.each(in.expression)
		return
	}
	in.each(func() { in.u32() })
}

// readData reads a data segment, and returns its bytes.
func readData(in *reader) []byte {
	const passive, explicit = 1, 2
	flags := in.u32()
	if flags == explicit {
		in.u32() // the memory
	}
	if flags != passive {
		in.expression()
	}
	return in.bytes(in.u32())
}
