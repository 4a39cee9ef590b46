package wasmbin

// soundNames reports whether wazero can read a section of names.
func soundNames(content []byte) bool {
	const functions, locals = 1, 2
	in := &reader{data: content}
	names := func(section *reader) {
		section.each(func() { section.u32(); section.name() })
	}
	in.name()
	for in.more() {
		id := in.byte()
		section := in.section()
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
	for in.more() {
		id := in.byte()
		section := in.section()
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
