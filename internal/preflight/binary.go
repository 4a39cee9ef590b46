package preflight

import (
	"errors"
	"fmt"
	"strings"
)

// parsed is the content of a module's sections, as far as linking needs it.
type parsed struct {
	info  Info
	types []string // signatures

	functions []uint32 // type indexes, imports first
	foreign   bool     // the memory or the table is imported
	oddNames  bool     // the names are best left out
	badNames  bool     // the functions' names cannot be read, but Envoy has to read them
	start     bool
}

// The sections of interest, and the kinds of imports and exports.
const (
	sectionCustom   = 0
	sectionType     = 1
	sectionImport   = 2
	sectionFunction = 3
	sectionTable    = 4
	sectionMemory   = 5
	sectionExport   = 7
	sectionGlobal   = 6
	sectionStart    = 8
	sectionElement  = 9
	sectionCode     = 10
	sectionData     = 11
	sectionTag      = 13

	kindFunction = 0
	kindTable    = 1
	kindMemory   = 2
	kindGlobal   = 3
	kindTag      = 4
)

var (
	errNotWasm   = errors.New("is no core Wasm module")
	errMalformed = errors.New("is malformed")
)

// Inspect reads a module's description of itself, without running the module.
func Inspect(module []byte) (Info, error) {
	b, err := parseBinary(module)
	if err != nil {
		return Info{}, err
	}
	return b.info, nil
}

func parseBinary(module []byte) (*parsed, error) {
	if len(module) < 8 || string(module[:8]) != "\x00asm\x01\x00\x00\x00" {
		return nil, errNotWasm
	}
	b := &parsed{info: Info{Size: len(module)}}
	in := &reader{data: module, at: 8}
	for in.at < len(in.data) {
		id := in.byte()
		content := in.bytes(in.u32())
		if in.failed {
			return nil, fmt.Errorf("%w: a section does not end within the file", errMalformed)
		}
		section := &reader{data: content}
		name := sectionName(id)
		if id == sectionCustom {
			name = section.name()
		}
		b.info.Sections = append(b.info.Sections, Section{Name: name, Size: len(content)})
		b.section(id, name, section)
		guard(id, section)
		if section.failed {
			return nil, fmt.Errorf("%w: its %s section ends too early, or is larger than Envoy's engine takes", errMalformed, name)
		}
	}
	return b, nil
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

func (b *parsed) section(id byte, name string, in *reader) {
	switch id {
	case sectionCustom:
		switch name {
		case "producers":
			b.producers(&reader{data: in.data, at: in.at})
		case "name":
			b.oddNames = b.oddNames || !soundNames(in.data)
			b.badNames = b.badNames || !readableNames(in.data)
		}
	case sectionType:
		in.each(func() { b.readType(in) })
	case sectionImport:
		in.each(func() { b.readImport(in) })
	case sectionFunction:
		in.each(func() { b.functions = append(b.functions, in.u32()) })
	case sectionMemory:
		in.each(func() { b.info.Memories = append(b.info.Memories, in.memory()) })
	case sectionExport:
		in.each(func() { b.readExport(in) })
	case sectionStart:
		b.start = true
	}
}

// readType reads a function's type, or a group of types. Other types belong to later proposals,
// which wazero does not support.
func (b *parsed) readType(in *reader) {
	const function, group = 0x60, 0x4e
	switch in.byte() {
	case function:
		b.types = append(b.types, in.values()+":"+in.values())
	case group:
		in.each(func() {
			if in.byte() != function {
				in.failed = true
				return
			}
			b.types = append(b.types, in.values()+":"+in.values())
		})
	default:
		in.failed = true
	}
}

func (b *parsed) readImport(in *reader) {
	module, name := in.name(), in.name()
	switch kind := in.byte(); kind {
	case kindFunction:
		index := in.u32()
		b.functions = append(b.functions, index)
		b.info.Imports = append(b.info.Imports, Function{Module: module, Name: name, Signature: b.signature(index)})
	case kindTable:
		in.table()
		b.foreign = true
	case kindMemory:
		m := in.memory()
		m.Imported, b.foreign = true, true
		b.info.Memories = append(b.info.Memories, m)
	case kindGlobal:
		in.byte()
		in.byte()
		b.info.Globals = append(b.info.Globals, module+"."+name)
	case kindTag:
		in.byte()
		in.u32()
	default:
		in.failed = true
	}
}

func (b *parsed) readExport(in *reader) {
	name, kind, index := in.name(), in.byte(), in.u32()
	switch kind {
	case kindFunction:
		signature := ""
		if int(index) < len(b.functions) {
			signature = b.signature(b.functions[index])
		}
		b.info.Exports = append(b.info.Exports, Function{Name: name, Signature: signature})
		if abi, ok := strings.CutPrefix(name, abiExportPrefix); ok {
			b.info.ABIs = append(b.info.ABIs, strings.ReplaceAll(abi, "_", "."))
		}
	case kindMemory:
		if int(index) < len(b.info.Memories) {
			b.info.Memories[index].Export = name
		}
	}
}

func (b *parsed) signature(index uint32) string {
	if int(index) < len(b.types) {
		return b.types[index]
	}
	return "?"
}

// producers reads a custom section, so its errors do no harm.
func (b *parsed) producers(in *reader) {
	in.each(func() {
		field := in.name()
		in.each(func() {
			p := Producer{Field: field, Name: in.name(), Version: in.name()}
			if !in.failed {
				b.info.Producers = append(b.info.Producers, p)
			}
		})
	})
}

// reader reads the binary format. After a failure it returns zeros.
type reader struct {
	data   []byte
	at     int
	failed bool
}

func (r *reader) byte() byte {
	if r.failed || r.at >= len(r.data) {
		r.failed = true
		return 0
	}
	r.at++
	return r.data[r.at-1]
}

// u32 reads an unsigned LEB128 number.
func (r *reader) u32() uint32 {
	var value uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		value |= uint64(b&0x7f) << shift
		if b&0x80 == 0 {
			if value > 1<<32-1 {
				break
			}
			return uint32(value)
		}
	}
	r.failed = true
	return 0
}

func (r *reader) bytes(n uint32) []byte {
	if r.failed || uint64(n) > uint64(len(r.data)-r.at) {
		r.failed = true
		return nil
	}
	r.at += int(n)
	return r.data[r.at-int(n) : r.at]
}

func (r *reader) name() string { return string(r.bytes(r.u32())) }

// each reads a vector's items. Each item takes at least a byte, which bounds their number.
func (r *reader) each(item func()) {
	for range r.count() {
		if r.failed {
			return
		}
		item()
	}
}

func (r *reader) values() string {
	letters := map[byte]byte{0x7f: 'i', 0x7e: 'I', 0x7d: 'f', 0x7c: 'F', 0x7b: 'v', 0x70: 'r', 0x6f: 'r'}
	var b strings.Builder
	r.each(func() {
		letter, ok := letters[r.valueType()]
		if !ok {
			letter = '?'
		}
		b.WriteByte(letter)
	})
	return b.String()
}

func (r *reader) limits() (minimum, maximum uint32, hasMaximum bool) {
	flags := r.byte()
	minimum = r.u32()
	if flags&1 != 0 {
		maximum, hasMaximum = r.u32(), true
	}
	return minimum, maximum, hasMaximum
}

func (r *reader) memory() Memory {
	var m Memory
	m.Min, m.Max, m.HasMax = r.limits()
	return m
}
