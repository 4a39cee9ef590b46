package preflight

import "encoding/binary"

// ownMemory turns an imported memory and table into the module's own. Envoy creates both by the
// description in the import, with the same effect. ownMemory drops unreadable names, and leaves a
// malformed module unchanged.
func ownMemory(module []byte) []byte {
	const headerSize = 8
	var tables, memories entries
	var imports entries
	out := append([]byte(nil), module[:headerSize]...)
	in := &reader{data: module, at: headerSize}
	flush := func(next byte) { // inserts the entries that belong before the next section
		out = tables.flush(out, sectionTable, next)
		out = memories.flush(out, sectionMemory, next)
	}
	for in.at < len(in.data) {
		id := in.byte()
		content := in.bytes(in.u32())
		section := &reader{data: content}
		switch id {
		case sectionCustom:
			if !soundNames(content) && (&reader{data: content}).name() == "name" {
				continue
			}
		case sectionImport:
			splitImports(section, &imports, &tables, &memories)
			content = imports.content()
		case sectionTable:
			content = tables.before(section)
		case sectionMemory:
			out = tables.flush(out, sectionTable, id)
			content = memories.before(section)
		default:
			flush(id)
		}
		if in.failed || section.failed {
			return module
		}
		out = appendSection(out, id, content)
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
	return appendSection(out, id, e.content())
}

func splitImports(in *reader, imports, tables, memories *entries) {
	in.each(func() {
		start := in.at
		in.name()
		in.name()
		kind := in.byte()
		description := in.at
		switch kind {
		case kindTable:
			in.byte()
			in.limits()
			tables.add(in.data[description:in.at])
			return
		case kindMemory:
			in.limits()
			memories.add(in.data[description:in.at])
			return
		case kindGlobal:
			in.byte()
			in.byte()
		case kindTag:
			in.byte()
			in.u32()
		default:
			in.u32()
		}
		imports.add(in.data[start:in.at])
	})
}

func appendSection(out []byte, id byte, content []byte) []byte {
	out = binary.AppendUvarint(append(out, id), uint64(len(content)))
	return append(out, content...)
}
