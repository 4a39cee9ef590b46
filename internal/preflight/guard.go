package preflight

// The limits of V8, which wazero lacks: it allocates memory for the sizes that a module claims
// before it checks them. A module of a hundred bytes could make it take 34 GB.
const (
	maximumLocals = 50_000
	maximumTable  = 10_000_000
)

// guard checks the sizes in a section, except those that [parsed.section] reads itself.
func guard(id byte, in *reader) {
	switch id {
	case sectionTable:
		in.each(in.table)
	case sectionCode:
		in.each(func() { in.guardBody(&reader{data: in.bytes(in.u32())}) })
	case sectionElement:
		in.each(in.element)
	case sectionData:
		in.each(in.dataSegment)
	case sectionGlobal, sectionTag:
		in.count()
	}
}

// count reads a vector's number of items, which take at least a byte each.
func (r *reader) count() uint32 {
	n := r.u32()
	if uint64(n) > uint64(len(r.data)-r.at) {
		r.failed = true
		return 0
	}
	return n
}

// valueType skips a type: one byte, and for some references the type that they refer to.
func (r *reader) valueType() byte {
	const nullable, notNullable = 0x63, 0x64
	b := r.byte()
	if b == nullable || b == notNullable {
		r.u32() // as long as the signed number in its place
	}
	return b
}

// table skips a table, which may end with a value for its entries.
func (r *reader) table() {
	const withValue = 0x40
	valued := r.valueType() == withValue
	if valued {
		r.byte()
		r.valueType()
	}
	if minimum, _, _ := r.limits(); minimum > maximumTable {
		r.failed = true
	}
	if valued {
		r.expression()
	}
}

func (r *reader) guardBody(body *reader) {
	locals := uint64(0)
	body.each(func() {
		locals += uint64(body.u32())
		body.valueType()
	})
	r.failed = r.failed || body.failed || locals > maximumLocals
}

// element skips a segment of a table; its flags describe its parts.
func (r *reader) element() {
	const passive, explicit, expressions = 1, 2, 4
	flags := r.u32()
	if flags&passive == 0 {
		if flags&explicit != 0 {
			r.u32() // the table
		}
		r.expression()
	}
	if flags&(passive|explicit) != 0 {
		r.valueType()
	}
	if flags&expressions != 0 {
		r.each(r.expression)
		return
	}
	r.each(func() { r.u32() })
}

func (r *reader) dataSegment() {
	const passive, explicit = 1, 2
	flags := r.u32()
	if flags == explicit {
		r.u32() // the memory
	}
	if flags != passive {
		r.expression()
	}
	r.bytes(r.u32())
}

// expression skips a constant expression.
func (r *reader) expression() {
	for !r.failed {
		switch op := r.byte(); op {
		case 0x0b: // end
			return
		case 0x41, 0x42, 0x23, 0xd0, 0xd2: // constants, globals and references
			r.skipNumber()
		case 0x43:
			r.bytes(4)
		case 0x44:
			r.bytes(8)
		case 0xfd: // a vector
			r.skipNumber()
			r.bytes(16)
		case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e: // sums and products
		default:
			r.failed = true
		}
	}
}

// skipNumber skips LEB128 of up to 64 bits.
func (r *reader) skipNumber() {
	for range 10 {
		if r.byte()&0x80 == 0 {
			return
		}
	}
	r.failed = true
}

// soundNames reports whether wazero can read a section of names. Engines can do without the
// section.
func soundNames(content []byte) bool {
	const functions, locals = 1, 2
	in := &reader{data: content}
	names := func(section *reader) {
		section.each(func() { section.u32(); section.name() })
	}
	in.name()
	for in.at < len(in.data) && !in.failed {
		id := in.byte()
		section := &reader{data: in.bytes(in.u32())}
		switch id {
		case functions:
			names(section)
		case locals:
			section.each(func() { section.u32(); names(section) })
		}
		in.failed = in.failed || section.failed
	}
	return !in.failed
}

// readableNames reports whether Envoy can read the functions' names. Otherwise Envoy refuses the
// module: its Proxy-Wasm host needs them for stack traces (getFunctionNameIndex).
func readableNames(content []byte) bool {
	const functions = 1
	in := &reader{data: content}
	in.name()
	for in.at < len(in.data) && !in.failed {
		id := in.byte()
		section := &reader{data: in.bytes(in.u32())}
		if id != functions {
			continue
		}
		section.each(func() { section.u32(); section.bytes(section.u32()) })
		if section.failed || section.at != len(section.data) {
			return false
		}
	}
	return !in.failed
}
