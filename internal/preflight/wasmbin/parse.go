package wasmbin

import (
	"errors"
	"fmt"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

// The reasons for which bytes are no module. The texts continue "the module".
var (
	ErrNotWasm   = errors.New("is no core Wasm module")
	ErrMalformed = errors.New("is malformed")
)

const headerSize = 8

// Parse reads a module without its code. The error wraps [ErrNotWasm] or [ErrMalformed].
func Parse(module []byte) (*Module, error) {
	if !strings.HasPrefix(string(module[:min(headerSize, len(module))]), string(wasmenc.Header())) {
		return nil, ErrNotWasm
	}
	p := &parser{module: &Module{Size: len(module)}}
	in := &reader{data: module, at: headerSize}
	for in.at < len(in.data) {
		id := in.byte()
		content := in.bytes(in.u32())
		if in.failed {
			return nil, fmt.Errorf("%w: a section does not end within the file", ErrMalformed)
		}
		section := &reader{data: content}
		name := sectionName(id)
		if id == wasmenc.SectionCustom {
			name = section.name()
		}
		p.module.Sections = append(p.module.Sections, Section{Name: name, Size: len(content)})
		p.section(id, name, section)
		checkSizes(id, section)
		if section.failed {
			return nil, fmt.Errorf("%w: its %s section ends too early, or is larger than Envoy's engine takes", ErrMalformed, name)
		}
	}
	return p.module, nil
}

func sectionName(id byte) string {
	names := []string{
		"custom", "type", "import", "function", "table", "memory", "global",
		"export", "start", "element", "code", "data", "datacount", "tag",
	}
	if int(id) < len(names) {
		return names[id]
	}
	return fmt.Sprintf("unknown %d", id)
}

// parser reads the sections of a module in their order.
type parser struct {
	module    *Module
	types     []string // signatures
	functions []uint32 // type indexes, imports first
}

func (p *parser) section(id byte, name string, in *reader) {
	switch id {
	case wasmenc.SectionCustom:
		switch name {
		case "producers":
			p.producers(&reader{data: in.data, at: in.at})
		case "name":
			p.module.OddNames = p.module.OddNames || !soundNames(in.data)
			p.module.BadNames = p.module.BadNames || !readableNames(in.data)
		}
	case wasmenc.SectionType:
		in.each(func() { p.readType(in) })
	case wasmenc.SectionImport:
		in.each(func() { p.readImport(in) })
	case wasmenc.SectionFunction:
		in.each(func() { p.functions = append(p.functions, in.u32()) })
	case wasmenc.SectionMemory:
		in.each(func() { p.module.Memories = append(p.module.Memories, readMemory(in)) })
	case wasmenc.SectionExport:
		in.each(func() { p.readExport(in) })
	}
}

// readType reads a function's type, or a group of types. Other types belong to later proposals,
// which wazero does not support.
func (p *parser) readType(in *reader) {
	const group = 0x4e
	switch in.byte() {
	case wasmenc.TypeFunc:
		p.types = append(p.types, in.values()+":"+in.values())
	case group:
		in.each(func() {
			if in.byte() != wasmenc.TypeFunc {
				in.failed = true
				return
			}
			p.types = append(p.types, in.values()+":"+in.values())
		})
	default:
		in.failed = true
	}
}

func (p *parser) readImport(in *reader) {
	module, name := in.name(), in.name()
	switch kind := in.byte(); kind {
	case wasmenc.KindFunc:
		index := in.u32()
		p.functions = append(p.functions, index)
		p.module.Imports = append(p.module.Imports, Function{Module: module, Name: name, Signature: p.signature(index)})
	case wasmenc.KindTable:
		skipTable(in)
		p.module.Foreign = true
	case wasmenc.KindMemory:
		m := readMemory(in)
		m.Imported, p.module.Foreign = true, true
		p.module.Memories = append(p.module.Memories, m)
	case wasmenc.KindGlobal:
		in.byte()
		in.byte()
		p.module.Globals = append(p.module.Globals, module+"."+name)
	case wasmenc.KindTag:
		in.byte()
		in.u32()
	default:
		in.failed = true
	}
}

func (p *parser) readExport(in *reader) {
	name, kind, index := in.name(), in.byte(), in.u32()
	switch kind {
	case wasmenc.KindFunc:
		signature := ""
		if int(index) < len(p.functions) {
			signature = p.signature(p.functions[index])
		}
		p.module.Exports = append(p.module.Exports, Function{Name: name, Signature: signature})
	case wasmenc.KindMemory:
		if int(index) < len(p.module.Memories) {
			p.module.Memories[index].Export = name
		}
	}
}

func (p *parser) signature(index uint32) string {
	if int(index) < len(p.types) {
		return p.types[index]
	}
	return "?"
}

// producers reads a custom section, so its errors do no harm.
func (p *parser) producers(in *reader) {
	in.each(func() {
		field := in.name()
		in.each(func() {
			one := Producer{Field: field, Name: in.name(), Version: in.name()}
			if !in.failed {
				p.module.Producers = append(p.module.Producers, one)
			}
		})
	})
}

func readMemory(in *reader) Memory {
	var m Memory
	m.Min, m.Max, m.HasMax = in.limits()
	return m
}
