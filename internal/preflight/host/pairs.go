package host

import (
	"encoding/binary"
	"errors"
	"strings"
)

var errPairs = errors.New("the header pairs are malformed")

// Envoy's limits for a list of headers.
const (
	maximumPairsSize = 1 << 20
	maximumPairs     = 1024
)

// encodePairs encodes a list of headers in Proxy-Wasm's form: the count, the sizes of each name and
// value, then each name and value with a zero byte behind it.
func encodePairs(headers []Header) []byte {
	size := 4
	for _, p := range headers {
		size += 8 + len(p.Name) + 1 + len(p.Value) + 1
	}
	out := binary.LittleEndian.AppendUint32(make([]byte, 0, size), uint32(len(headers)))
	for _, p := range headers {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(p.Name)))
		out = binary.LittleEndian.AppendUint32(out, uint32(len(p.Value)))
	}
	for _, p := range headers {
		out = append(append(out, p.Name...), 0)
		out = append(append(out, p.Value...), 0)
	}
	return out
}

// decodePairs decodes a module's list of headers. No bytes mean no headers.
func decodePairs(b []byte) ([]Header, error) {
	if len(b) == 0 {
		return nil, nil
	}
	if len(b) < 4 || len(b) > maximumPairsSize {
		return nil, errPairs
	}
	count := uint64(binary.LittleEndian.Uint32(b))
	sizes, rest := b[4:], b[4:]
	if count > maximumPairs || count*8 > uint64(len(sizes)) {
		return nil, errPairs
	}
	rest = rest[count*8:]
	var headers []Header
	take := func(at uint64) (string, bool) {
		n := uint64(binary.LittleEndian.Uint32(sizes[at:]))
		if n+1 > uint64(len(rest)) || rest[n] != 0 {
			return "", false
		}
		text := string(rest[:n])
		rest = rest[n+1:]
		return text, true
	}
	for i := range count {
		name, ok := take(8 * i)
		value, also := "", false
		if ok {
			value, also = take(8*i + 4)
		}
		if !also {
			return nil, errPairs
		}
		headers = append(headers, Header{Name: strings.ToLower(name), Value: value})
	}
	if len(rest) > 0 {
		return nil, errPairs
	}
	return headers, nil
}

// readPairs reads a list of headers as Envoy does: a malformed list is empty.
func readPairs(b []byte, logs *logs, budget *budget) []Header {
	headers, err := decodePairs(b)
	if err != nil {
		logs.add(LogWarn, "[host] "+err.Error()+"; they count as none")
		return nil
	}
	budget.keep(len(b))
	return headers
}

// allHeaders encodes a map as a property. Envoy has the property even without any headers.
func allHeaders(headers *[]Header) string {
	if headers == nil {
		return string(encodePairs(nil))
	}
	return string(encodePairs(*headers))
}
