package proxywasm

import "strconv"

// Status is the result of a host function. The zero value is success, and is never returned as an
// error. The numbers are the ABI's numbers.
type Status uint32

// The statuses of the ABI.
const (
	statusOK Status = 0

	ErrNotFound             Status = 1  // the header, property, key or queue is missing
	ErrBadArgument          Status = 2  // not possible here, because the message or the buffer does not exist
	ErrSerializationFailure Status = 3  // the host cannot write the value
	ErrParseFailure         Status = 4  // the host cannot read an argument
	ErrBadExpression        Status = 5  // an expression has a mistake
	ErrInvalidMemoryAccess  Status = 6  // an address is not in the memory of the module
	ErrEmpty                Status = 7  // the queue has no message
	ErrCASMismatch          Status = 8  // the shared value has changed since it was read
	ErrResultMismatch       Status = 9  // a result is not of the expected kind
	ErrInternalFailure      Status = 10 // the host failed; for a call, the cluster is missing
	ErrBrokenConnection     Status = 11 // the connection is gone
	ErrUnimplemented        Status = 12 // the host lacks the function, or this is no wasip1 build
)

// Error implements error.
func (s Status) Error() string {
	switch s {
	case statusOK:
		return "proxywasm: ok"
	case ErrNotFound:
		return "proxywasm: not found"
	case ErrBadArgument:
		return "proxywasm: bad argument"
	case ErrSerializationFailure:
		return "proxywasm: serialization failure"
	case ErrParseFailure:
		return "proxywasm: parse failure"
	case ErrBadExpression:
		return "proxywasm: bad expression"
	case ErrInvalidMemoryAccess:
		return "proxywasm: invalid memory access"
	case ErrEmpty:
		return "proxywasm: empty"
	case ErrCASMismatch:
		return "proxywasm: the value has changed meanwhile"
	case ErrResultMismatch:
		return "proxywasm: result mismatch"
	case ErrInternalFailure:
		return "proxywasm: internal failure"
	case ErrBrokenConnection:
		return "proxywasm: broken connection"
	case ErrUnimplemented:
		return "proxywasm: not implemented by the host"
	default:
		return "proxywasm: status " + strconv.FormatUint(uint64(s), 10)
	}
}

// asError returns nil for success.
func asError(status uint32) error {
	if Status(status) == statusOK {
		return nil
	}
	return Status(status)
}
