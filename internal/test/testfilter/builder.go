package testfilter

import (
	"crypto/sha256"
	"math/rand/v2"

	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

// The layout of a filter's memory.
const (
	// Host functions write the address and length of their results to resultAddress and resultLen.
	resultAddress = 16
	resultLen     = 20

	textAddress = 1024
	textEnd     = 1 << 16

	// tableAddress is a table with one i32 per context, indexed by the low 16 bits of the context's
	// number.
	tableAddress = 1 << 16
	tableMask    = 1<<16 - 1

	heapAddress = tableAddress + 4*(tableMask+1)
	memoryPages = heapAddress>>16 + 3
)

// A record of a root context's configuration. Records form a list with the newest first.
const (
	recordNext      = 0
	recordRoot      = 4
	recordConfig    = 8
	recordConfigLen = 12
	recordSize      = 16
)

// builder is the common part of a filter during its construction.
type builder struct {
	m    wasmenc.Module
	text *wasmenc.Text

	heap, floor wasmenc.GlobalIndex // next free address of malloc, and its start in each callback
	malloc      wasmenc.FuncIndex

	log, getBuffer, environSizes, environGet wasmenc.FuncIndex

	records          wasmenc.GlobalIndex // the first configuration record
	envValue, envLen wasmenc.GlobalIndex
	echoesConfig     bool
}

func newBuilder(logs, missingImport bool) *builder {
	b := &builder{text: wasmenc.NewText(textAddress)}
	if logs {
		b.log = b.m.Import("env", "proxy_log", wasmenc.Sig("iii:i"))
	}
	if missingImport {
		b.m.Import("env", "proxy_no_such_function", wasmenc.Sig(":i"))
	}
	return b
}

func (b *builder) importConfig() {
	b.getBuffer = b.m.Import("env", "proxy_get_buffer_bytes", wasmenc.Sig("iiiii:i"))
	b.echoesConfig = true
}

func (b *builder) importEnv() {
	b.environSizes = b.m.Import("wasi_snapshot_preview1", "environ_sizes_get", wasmenc.Sig("ii:i"))
	b.environGet = b.m.Import("wasi_snapshot_preview1", "environ_get", wasmenc.Sig("ii:i"))
}

// addFrame adds the common parts of all filters. Add imports first.
func (b *builder) addFrame() {
	b.addBase()
	var onCreate wasmenc.Code
	if b.echoesConfig {
		onCreate = b.bindRecord()
	}
	b.m.ExportedFunc("proxy_on_context_create", wasmenc.Sig("ii"), 1, onCreate)
}

// addBase adds the frame without its callback.
func (b *builder) addBase() {
	b.m.Memory(memoryPages)
	b.heap = b.m.Global(heapAddress)
	b.floor = b.m.Global(heapAddress)
	b.records = b.m.Global(0)
	b.envValue = b.m.Global(0)
	b.envLen = b.m.Global(0)
	b.m.ExportedFunc("proxy_abi_version_0_2_1", wasmenc.Sig(""), 0, nil)
	b.addMalloc()
}

// addMalloc adds an allocator that never frees memory. The callbacks of streams reset the allocator
// to the floor.
func (b *builder) addMalloc() {
	const size, result = 0, 1
	memoryEnd := wasmenc.Code{}.MemorySize().I32Const(16).I32Shl()
	b.malloc = b.m.ExportedFunc("malloc", wasmenc.Sig("i:i"), 1, wasmenc.Code{}.
		GlobalGet(b.heap).LocalTee(result).
		LocalGet(size).I32Add().I32Const(7).I32Add().I32Const(-8).I32And().GlobalSet(b.heap).
		GlobalGet(b.heap).Then(memoryEnd).I32GtU().
		If(wasmenc.Code{}.
			GlobalGet(b.heap).Then(memoryEnd).I32Sub().I32Const(16).I32ShrU().I32Const(1).I32Add().
			MemoryGrow().Drop()).
		LocalGet(result))
}

// clearResult begins a callback that calls the host for a result.
func (b *builder) clearResult() wasmenc.Code {
	return wasmenc.Code{}.
		GlobalGet(b.floor).GlobalSet(b.heap).
		I32Const(resultAddress).I32Const(0).I32Store(0).
		I32Const(resultLen).I32Const(0).I32Store(0)
}

// contextSlot pushes the table offset for the context in local 0.
func (b *builder) contextSlot() wasmenc.Code {
	return wasmenc.Code{}.LocalGet(0).I32Const(tableMask).I32And().I32Const(2).I32Shl()
}

func (b *builder) logOnConfigure(text string) wasmenc.Code {
	if text == "" {
		return nil
	}
	return wasmenc.Code{}.I32Const(logInfo).Then(b.text.Push(text)).Call(b.log).Drop()
}

func (b *builder) addOnConfigure(body wasmenc.Code, fails bool) {
	var ok int32 = 1
	if fails {
		ok = 0
	}
	b.addOnConfigureIf(body, wasmenc.Code{}.I32Const(ok))
}

// addOnConfigureIf adds proxy_on_configure, which fails if ok pushes 0.
func (b *builder) addOnConfigureIf(body, ok wasmenc.Code) {
	b.m.ExportedFunc("proxy_on_configure", wasmenc.Sig("ii:i"), 1, body.Then(ok))
}

// keepConfig is the part of proxy_on_configure that stores the configuration in a record. The
// record belongs to the root context, because plugins may share a VM.
func (b *builder) keepConfig() wasmenc.Code {
	const root, size, record = 0, 1, 2
	return b.clearResult().
		I32Const(bufferPluginConfiguration).I32Const(0).LocalGet(size).
		I32Const(resultAddress).I32Const(resultLen).Call(b.getBuffer).Drop().
		I32Const(recordSize).Call(b.malloc).LocalTee(record).
		GlobalGet(b.records).I32Store(recordNext).
		LocalGet(record).LocalGet(root).I32Store(recordRoot).
		LocalGet(record).I32Const(resultAddress).I32Load(0).I32Store(recordConfig).
		LocalGet(record).I32Const(resultLen).I32Load(0).I32Store(recordConfigLen).
		LocalGet(record).GlobalSet(b.records).
		GlobalGet(b.heap).GlobalSet(b.floor)
}

// bindRecord is the part of proxy_on_context_create that finds the record of a stream's root
// context. It stores the record's address in the table, or 0 without a record.
func (b *builder) bindRecord() wasmenc.Code {
	const root, record = 1, 2
	return wasmenc.Code{}.
		GlobalGet(b.records).LocalSet(record).
		Block(wasmenc.Code{}.Loop(wasmenc.Code{}.
			LocalGet(record).I32Eqz().BrIf(1).
			LocalGet(record).I32Load(recordRoot).LocalGet(root).I32Eq().BrIf(1).
			LocalGet(record).I32Load(recordNext).LocalSet(record).
			Br(0))).
		Then(b.contextSlot()).LocalGet(record).I32Store(tableAddress)
}

// addOnVMStart adds the callback that looks up an environment variable.
func (b *builder) addOnVMStart(name string) {
	const entry, entries, end = 2, 3, 4 // entries: the next address to check, up to end
	differs := wasmenc.Code{}
	for i, c := range []byte(name + "=") {
		differs = differs.LocalGet(entry).I32Load8U(uint32(i)).I32Const(int32(c)).I32Ne().BrIf(0)
	}
	measure := wasmenc.Code{}.Block(wasmenc.Code{}.Loop(wasmenc.Code{}.
		GlobalGet(b.envValue).GlobalGet(b.envLen).I32Add().I32Load8U(0).I32Eqz().BrIf(1).
		GlobalGet(b.envLen).I32Const(1).I32Add().GlobalSet(b.envLen).
		Br(0)))
	b.m.ExportedFunc("proxy_on_vm_start", wasmenc.Sig("ii:i"), 3, b.clearResult().
		I32Const(resultAddress).I32Const(resultLen).Call(b.environSizes).Drop().
		I32Const(resultAddress).I32Load(0).I32Const(2).I32Shl().Call(b.malloc).LocalSet(entries).
		LocalGet(entries).I32Const(resultAddress).I32Load(0).I32Const(2).I32Shl().I32Add().LocalSet(end).
		LocalGet(entries).I32Const(resultLen).I32Load(0).Call(b.malloc).Call(b.environGet).Drop().
		Block(wasmenc.Code{}.Loop(wasmenc.Code{}.
			LocalGet(entries).LocalGet(end).I32Eq().BrIf(1).
			LocalGet(entries).I32Load(0).LocalSet(entry).
			LocalGet(entries).I32Const(4).I32Add().LocalSet(entries).
			Block(differs.
				LocalGet(entry).I32Const(int32(len(name)+1)).I32Add().GlobalSet(b.envValue).
				Then(measure)).
			Br(0))).
		GlobalGet(b.heap).GlobalSet(b.floor).
		I32Const(1))
}

// addCode adds functions of about size bytes together: arithmetic, memory accesses
// and branches, which differ with the stamp.
func (b *builder) addCode(size int, stamp string) {
	random := rand.New(rand.NewChaCha8(sha256.Sum256([]byte(stamp))))
	const a, x = 0, 2 // two parameters and a local
	for size > 0 {
		body := wasmenc.Code{}.LocalGet(a).LocalSet(x)
		for range 8 + random.IntN(32) {
			k := int32(random.Uint32())
			body = body.
				LocalGet(x).I32Const(k).I32Add().LocalGet(a).I32And().LocalTee(x).
				If(wasmenc.Code{}.LocalGet(x).I32Const(0xffff).I32And().LocalGet(x).I32Load8U(0).I32Store(0)).
				LocalGet(x).I32Const(k & 7).I32Shl().I32Const(k).I32Sub().LocalSet(x)
		}
		b.m.Func(wasmenc.Sig("ii:i"), 1, body.LocalGet(x))
		size -= len(body)
	}
}

// bytes returns the finished module. The noise depends on stamp, so two versions of a large
// module differ in all their noise.
func (b *builder) bytes(pad int, stamp string) []byte {
	if b.text.End() > textEnd {
		panic("testfilter: a stamp or a log line is too long")
	}
	b.m.Text(b.text)
	if pad > 0 {
		noise := make([]byte, pad)
		// Read never fails.
		_, _ = rand.NewChaCha8(sha256.Sum256([]byte(stamp))).Read(noise)
		b.m.Custom("pad", noise)
	}
	return b.m.Bytes()
}
