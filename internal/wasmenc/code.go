package wasmenc

// FuncIndex is a function's index in a module. Imports come first.
type FuncIndex uint32

// GlobalIndex is a global's index in a module.
type GlobalIndex uint32

// Code is a sequence of instructions. Its methods return the sequence with one more instruction at
// its end, so code reads in the order of execution:
//
//	Code{}.LocalGet(0).I32Const(1).I32Add()
//
// Continue only from the returned value: as with append, two continuations of one sequence may
// share memory.
type Code []byte

const (
	opUnreachable = 0x00
	opBlock       = 0x02
	opLoop        = 0x03
	opIf          = 0x04
	opEnd         = 0x0b
	opBr          = 0x0c
	opBrIf        = 0x0d
	opReturn      = 0x0f
	opCall        = 0x10
	opDrop        = 0x1a
	opLocalGet    = 0x20
	opLocalSet    = 0x21
	opLocalTee    = 0x22
	opGlobalGet   = 0x23
	opGlobalSet   = 0x24
	opI32Load     = 0x28
	opI32Load8U   = 0x2d
	opI32Load16U  = 0x2f
	opI32Store    = 0x36
	opMemorySize  = 0x3f
	opMemoryGrow  = 0x40
	opI32Const    = 0x41
	opI64Const    = 0x42
	opI32Eqz      = 0x45
	opI32Eq       = 0x46
	opI32Ne       = 0x47
	opI32GtU      = 0x4b
	opI32Add      = 0x6a
	opI32Sub      = 0x6b
	opI32And      = 0x71
	opI32Shl      = 0x74
	opI32ShrU     = 0x76

	blockEmpty = 0x40 // the type of a block without results
)

// Then appends other instructions.
func (c Code) Then(other Code) Code { return append(c, other...) }

// Unreachable traps.
func (c Code) Unreachable() Code { return append(c, opUnreachable) }

// Block runs body. A branch to the block continues after its end.
func (c Code) Block(body Code) Code { return c.block(opBlock, body) }

// Loop runs body once. A branch to the loop continues at its beginning.
func (c Code) Loop(body Code) Code { return c.block(opLoop, body) }

// If pops a condition and runs body if the condition is not zero.
func (c Code) If(body Code) Code { return c.block(opIf, body) }

// Br branches to an enclosing block, loop or if. depth 0 is the innermost.
func (c Code) Br(depth uint32) Code { return c.u32(opBr, depth) }

// BrIf pops a condition and branches if the condition is not zero.
func (c Code) BrIf(depth uint32) Code { return c.u32(opBrIf, depth) }

// Return leaves the function.
func (c Code) Return() Code { return append(c, opReturn) }

// Call calls a function.
func (c Code) Call(f FuncIndex) Code { return c.u32(opCall, uint32(f)) }

// Drop pops a value.
func (c Code) Drop() Code { return append(c, opDrop) }

// LocalGet pushes a parameter or local.
func (c Code) LocalGet(i uint32) Code { return c.u32(opLocalGet, i) }

// LocalSet pops into a parameter or local.
func (c Code) LocalSet(i uint32) Code { return c.u32(opLocalSet, i) }

// LocalTee copies the top of the stack into a parameter or local.
func (c Code) LocalTee(i uint32) Code { return c.u32(opLocalTee, i) }

// GlobalGet pushes a global.
func (c Code) GlobalGet(g GlobalIndex) Code { return c.u32(opGlobalGet, uint32(g)) }

// GlobalSet pops into a global.
func (c Code) GlobalSet(g GlobalIndex) Code { return c.u32(opGlobalSet, uint32(g)) }

// I32Load pops an address and pushes the 32 bits at the address plus offset.
func (c Code) I32Load(offset uint32) Code { return c.memory(opI32Load, 2, offset) }

// I32Load16U pops an address and pushes the 16 bits at the address plus offset.
func (c Code) I32Load16U(offset uint32) Code { return c.memory(opI32Load16U, 0, offset) }

// I32Load8U pops an address and pushes the byte at the address plus offset.
func (c Code) I32Load8U(offset uint32) Code { return c.memory(opI32Load8U, 0, offset) }

// I32Store pops a value, then an address, and stores the value at the address plus offset.
func (c Code) I32Store(offset uint32) Code { return c.memory(opI32Store, 2, offset) }

// MemorySize pushes the memory's size in pages of 64 KiB.
func (c Code) MemorySize() Code { return append(c, opMemorySize, 0) }

// MemoryGrow pops a number of pages and pushes the former size, or -1.
func (c Code) MemoryGrow() Code { return append(c, opMemoryGrow, 0) }

// I32Const pushes a constant.
func (c Code) I32Const(v int32) Code { return appendS32(append(c, opI32Const), v) }

// I64Const pushes a constant.
func (c Code) I64Const(v int32) Code { return appendS32(append(c, opI64Const), v) }

// I32Eqz replaces the top of the stack with 1 if the top is zero, and with 0 otherwise.
func (c Code) I32Eqz() Code { return append(c, opI32Eqz) }

// I32Eq is a == b. This and the following instructions pop b, then a, and push the result.
func (c Code) I32Eq() Code { return append(c, opI32Eq) }

// I32Ne is a != b.
func (c Code) I32Ne() Code { return append(c, opI32Ne) }

// I32GtU is a > b, unsigned.
func (c Code) I32GtU() Code { return append(c, opI32GtU) }

// I32Add is a + b.
func (c Code) I32Add() Code { return append(c, opI32Add) }

// I32Sub is a - b.
func (c Code) I32Sub() Code { return append(c, opI32Sub) }

// I32And is a & b.
func (c Code) I32And() Code { return append(c, opI32And) }

// I32Shl is a << b.
func (c Code) I32Shl() Code { return append(c, opI32Shl) }

// I32ShrU is a >> b, unsigned.
func (c Code) I32ShrU() Code { return append(c, opI32ShrU) }

func (c Code) u32(op byte, v uint32) Code { return appendU32(append(c, op), v) }

func (c Code) block(op byte, body Code) Code {
	return append(append(append(c, op, blockEmpty), body...), opEnd)
}

func (c Code) memory(op, alignment byte, offset uint32) Code {
	return appendU32(append(c, op, alignment), offset)
}
