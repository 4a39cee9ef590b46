package wasmbin

import (
	"encoding/binary"

	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

// OwnMemory turns an imported memory and table into the module's own. Envoy creates both by the
// description in the import, with the same effect. OwnMemory drops unreadable names, and leaves a
// malformed module unchanged.
func OwnMemory(module []byte) []byte {
	var tables, memories entries
	var imports entries
	out := append([]byte(nil), module[:headerSize]...)
	in := &reader{data: module, at: headerSize}
	flush := func(next byte) { // inserts the entries that belong before the next section
		out = tables.flush(out, wasmenc.SectionTable, next)
		out = memories.flush(out, wasmenc.SectionMemory, next)
	}
	for in.at < len(in.data) {
		id := in.byte()
		content := in.bytes(in.u32())
		section := &reader{data: content}
		switch id {
		case wasmenc.SectionCustom:
			if !soundNames(content) && (&reader{data: content}).name() == "name" {
				continue
			}
		case wasmenc.SectionImport:
			splitImports(section, &imports, &tables, &memories)
			content = imports.content()
		case wasmenc.SectionTable:
			content = tables.before(section)
		case wasmenc.SectionMemory:
			out = tables.flush(out, wasmenc.SectionTable, id)
			content = memories.before(section)
		default:
			flush(id)
		}
		if in.failed || section.failed {
			return module
		}
		out = wasmenc.AppendSection(out, id, content)
	}
	flush(255)
	return out
}

// entries are the new entries of a section.
type entries struct {
	count uint32
	bytes []byte
	done  bool
}

func (e *entries) add(entry []byte) { e.count, e.bytes = e.count+1, append(e.bytes, entry...) }

func (e *entries) content() []byte {
	return append(binary.AppendUvarint(nil, uint64(e.count)), e.bytes...)
}

// before puts the entries before those of an existing section.
func (e *entries) before(section *reader) []byte {
	e.done = true
	e.count += section.u32()
	e.bytes = append(e.bytes, section.data[section.at:]...)
	return e.content()
}

// flush makes a section of the entries when a later section follows.
func (e *entries) flush(out []byte, id, next byte) []byte {
	if e.done || e.count == 0 || next <= id {
		return out
	}
	e.done = true
	return wasmenc.AppendSection(out, id, e.content())
}

func splitImports(in *reader, imports, tables, memories *entries) {
	in.each(func() {
		start := in.at
		in.name()
		in.name()
		kind := in.byte()
		description := in.at
		switch kind {
		case wasmenc.KindTable:
			in.byte()
			in.limits()
			tables.add(in.data[description:in.at])
			return
		case wasmenc.KindMemory:
			in.limits()
			memories.add(in.data[description:in.at])
			return
		case wasmenc.KindGlobal:
			in.byte()
			in.byte()
		case wasmenc.KindTag:
			in.byte()
			in.u32()
		default:
			in.u32()
		}
		imports.add(in.data[start:in.at])
	})
}
