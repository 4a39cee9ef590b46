package preflight

import (
	"bytes"
	"compress/zlib"
	"io"
)

// foreignFunction knows Envoy's names. A function that needs Envoy itself returns unimplemented,
// and logs this.
func (h *host) foreignFunction(a []uint64) uint64 {
	name, ok := h.text(a[0], a[1])
	arguments, also := h.bytes(a[2], a[3])
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
		h.log(LogWarn, "[host] the foreign function "+name+" is not there in the sandbox")
		return resultUnimplemented
	default:
		return resultNotFound
	}
	return h.foreignResult(result, a[4], a[5])
}

// foreignResult leaves out the result that the caller does not want.
func (h *host) foreignResult(result []byte, addressAt, sizeAt uint64) uint64 {
	if addressAt != 0 {
		var address uint32
		if len(result) > 0 {
			address, _ = h.allocate(len(result))
			if !h.module.Memory().Write(address, result) {
				return resultInvalidMemory
			}
		}
		if !h.putU32(addressAt, address) {
			return resultInvalidMemory
		}
	}
	if sizeAt != 0 && !h.putU32(sizeAt, uint32(len(result))) {
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
	return io.ReadAll(io.LimitReader(r, maximumKeptByHost))
}
