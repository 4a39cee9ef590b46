// Package wasmenc encodes small WebAssembly modules. It covers only the part of the binary format
// that hand-written Proxy-Wasm filters need.
//
// Equal calls give equal bytes. The package validates nothing, so tests can make invalid and
// hostile modules.
//
// The files, bottom first: binary.go has the numbers of the binary format, code.go the
// instructions, text.go the constant bytes of a module, and this file the module. A [Module]
// belongs to one goroutine.
package wasmenc

// ValType is the type of a parameter, a result, a local or a global.
type ValType byte

// The value types.
const (
	I32 ValType = 0x7f
	I64 ValType = 0x7e
)

// FuncType is a function's signature.
type FuncType struct {
	Params  []ValType
	Results []ValType
}

// Sig parses a signature in the short form "ii:i". Each letter is a value: i is [I32], I is [I64].
// Parameters come before the colon, results after it; a form without a colon has no result. Any
// other letter panics, because signatures are constants of the program.
func Sig(short string) FuncType {
	var t FuncType
	list := &t.Params
	for _, c := range short {
		switch c {
		case 'i':
			*list = append(*list, I32)
		case 'I':
			*list = append(*list, I64)
		case ':':
			list = &t.Results
		default:
			panic("wasmenc: bad signature " + short)
		}
	}
	return t
}

// Module builds a module. The zero value is the empty module.
type Module struct {
	types         vector
	typeIndex     map[string]uint32
	imports       vector
	functions     vector
	memory        vector
	globals       vector
	exports       vector
	codes         vector
	data          vector
	customs       []byte
	nextFuncIndex FuncIndex
}

// vector encodes vec(T) of the specification: a count, then the items.
type vector struct {
	count uint32
	items []byte
}

func (v *vector) add(item []byte) {
	v.count++
	v.items = append(v.items, item...)
}

// Import declares an imported function. Import panics after the first [Module.Func], because
// imports have the lower indexes.
func (m *Module) Import(module, name string, t FuncType) FuncIndex {
	if m.functions.count > 0 {
		panic("wasmenc: import after function " + module + "." + name)
	}
	entry := appendName(appendName(nil, module), name)
	entry = append(entry, KindFunc)
	m.imports.add(appendU32(entry, m.typeOf(t)))
	return m.takeFuncIndex()
}

// Func adds a function. locals is the number of its i32 locals. Their indexes follow the indexes of
// the parameters. Func appends the end of the body.
func (m *Module) Func(t FuncType, locals int, body Code) FuncIndex {
	m.functions.add(appendU32(nil, m.typeOf(t)))
	var code []byte
	if locals > 0 {
		code = append(code, 1)
		code = appendU32(code, uint32(locals))
		code = append(code, byte(I32))
	} else {
		code = append(code, 0)
	}
	code = append(code, body...)
	code = append(code, opEnd)
	m.codes.add(append(appendU32(nil, uint32(len(code))), code...))
	return m.takeFuncIndex()
}

// ExportedFunc combines [Module.Func] and [Module.ExportFunc].
func (m *Module) ExportedFunc(name string, t FuncType, locals int, body Code) FuncIndex {
	f := m.Func(t, locals, body)
	m.ExportFunc(name, f)
	return f
}

// Memory gives the module a memory of at least pages pages of 64 KiB,
// exported as "memory".
func (m *Module) Memory(pages uint32) {
	m.memory.add(appendU32([]byte{limitMin}, pages))
	m.export("memory", KindMemory, 0)
}

// Global adds a mutable i32 global.
func (m *Module) Global(initial int32) GlobalIndex {
	entry := []byte{byte(I32), globalMutable}
	entry = append(entry, Code{}.I32Const(initial)...)
	m.globals.add(append(entry, opEnd))
	return GlobalIndex(m.globals.count - 1)
}

// ExportFunc exports a function.
func (m *Module) ExportFunc(name string, f FuncIndex) {
	m.export(name, KindFunc, uint32(f))
}

// Data places bytes into the memory when the module is instantiated.
func (m *Module) Data(address int32, content []byte) {
	entry := append([]byte{0}, Code{}.I32Const(address)...)
	entry = append(entry, opEnd)
	entry = appendU32(entry, uint32(len(content)))
	m.data.add(append(entry, content...))
}

// Text places a text into the memory, like [Module.Data].
func (m *Module) Text(t *Text) { m.Data(t.address, t.content) }

// Custom adds a custom section. Custom sections come after all other sections.
func (m *Module) Custom(name string, content []byte) {
	head := appendName(nil, name)
	m.customs = append(m.customs, SectionCustom)
	m.customs = appendU32(m.customs, uint32(len(head)+len(content)))
	m.customs = append(m.customs, head...)
	m.customs = append(m.customs, content...)
}

// Bytes returns the encoded module.
func (m *Module) Bytes() []byte {
	out := Header()
	for _, section := range []struct {
		id byte
		v  *vector
	}{
		{SectionType, &m.types},
		{SectionImport, &m.imports},
		{SectionFunction, &m.functions},
		{SectionMemory, &m.memory},
		{SectionGlobal, &m.globals},
		{SectionExport, &m.exports},
		{SectionCode, &m.codes},
		{SectionData, &m.data},
	} {
		if section.v.count == 0 {
			continue
		}
		content := append(appendU32(nil, section.v.count), section.v.items...)
		out = AppendSection(out, section.id, content)
	}
	return append(out, m.customs...)
}

func (m *Module) takeFuncIndex() FuncIndex {
	m.nextFuncIndex++
	return m.nextFuncIndex - 1
}

func (m *Module) export(name string, kind byte, index uint32) {
	m.exports.add(appendU32(append(appendName(nil, name), kind), index))
}

// typeOf returns the index of a signature. Each signature is listed only once.
func (m *Module) typeOf(t FuncType) uint32 {
	entry := []byte{TypeFunc}
	for _, list := range [][]ValType{t.Params, t.Results} {
		entry = appendU32(entry, uint32(len(list)))
		for _, v := range list {
			entry = append(entry, byte(v))
		}
	}
	if i, known := m.typeIndex[string(entry)]; known {
		return i
	}
	if m.typeIndex == nil {
		m.typeIndex = make(map[string]uint32)
	}
	i := m.types.count
	m.typeIndex[string(entry)] = i
	m.types.add(entry)
	return i
}
