package host

import (
	"encoding/binary"
)

// Results of Proxy-Wasm host functions.
const (
	resultOK = iota
	resultNotFound
	resultBadArgument
	resultSerializationFailure
	resultParseFailure
	resultBadExpression
	resultInvalidMemory
	resultEmpty
	resultCASMismatch
	resultMismatch
	resultInternal
	resultBroken
	resultUnimplemented
)

// handler runs a host function on its arguments and returns its result, if it has one.
type handler func(a []uint64) uint64

func asFlag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
