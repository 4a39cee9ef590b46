package host

import (
	"bytes"
	"compress/zlib"
	"io"
)

// foreign has Envoy's foreign functions.
type foreign struct {
	memory *memory
	logs   *logs
}

func (f *foreign) bind(name string) handler {
	if name == "proxy_call_foreign_function" {
		return f.call
	}
	return nil
}

// call knows Envoy's names. A function that needs Envoy itself returns unimplemented, and logs
// this.
func (f *foreign) call(a []uint64) uint64 {
	name, ok := f.memory.text(a[0], a[1])
	arguments, also := f.memory.bytes(a[2], a[3])
	if !ok || !also {
		return resultInvalidMemory
	}
	var result []byte
	switch name {
	case "clear_route_cache", "declare_property", "set_envoy_filter_state", "expr_delete":
	case "compress":
		result = compress(arguments)
	case "uncompress":
		var err error
		if result, err = uncompress(arguments); err != nil {
			return resultSerializationFailure
		}
	case "expr_create", "expr_evaluate", "sign", "verify_signature":
		f.logs.add(LogWarn, "[host] the foreign function "+name+" is not there in the sandbox")
		return resultUnimplemented
	default:
		return resultNotFound
	}
	return f.result(result, a[4], a[5])
}

// result gives the module a result, without the parts that the module does not want.
func (f *foreign) result(result []byte, addressAt, sizeAt uint64) uint64 {
	if addressAt != 0 {
		var address uint32
		if len(result) > 0 {
			address, _ = f.memory.allocate(len(result))
			if !f.memory.write(address, result) {
				return resultInvalidMemory
			}
		}
		if !f.memory.putU32(addressAt, address) {
			return resultInvalidMemory
		}
	}
	if sizeAt != 0 && !f.memory.putU32(sizeAt, uint32(len(result))) {
		return resultInvalidMemory
	}
	return resultOK
}

func compress(b []byte) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	_, _ = w.Write(b) // a buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

func uncompress(b []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, maximumKept))
}
