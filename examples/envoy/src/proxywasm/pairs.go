package proxywasm

import (
	"encoding/binary"
	"errors"
)

// Header is the name and the value of a header, a trailer or a piece of metadata. Names are in
// lower case. The pseudo-headers of a request are ":method", ":path", ":authority" and ":scheme".
// The pseudo-header of a response is ":status".
type Header struct {
	Name, Value string
}

// errPairs is the error for headers from the host with a wrong encoding.
var errPairs = errors.New("proxywasm: malformed header map")

const (
	countSize = 4 // bytes of the number of pairs
	pairSize  = 8 // bytes of the two lengths of a pair
)

// encodePairs encodes headers for the ABI: the number of pairs, then the length of each name and
// value, then the texts, each followed by a zero byte. Numbers are little-endian, 32 bits.
func encodePairs(headers []Header) []byte {
	size := countSize
	for _, h := range headers {
		size += pairSize + len(h.Name) + 1 + len(h.Value) + 1
	}
	encoded := binary.LittleEndian.AppendUint32(make([]byte, 0, size), uint32(len(headers)))
	for _, h := range headers {
		encoded = binary.LittleEndian.AppendUint32(encoded, uint32(len(h.Name)))
		encoded = binary.LittleEndian.AppendUint32(encoded, uint32(len(h.Value)))
	}
	for _, h := range headers {
		encoded = append(append(encoded, h.Name...), 0)
		encoded = append(append(encoded, h.Value...), 0)
	}
	return encoded
}

// decodePairs is the opposite of encodePairs. No bytes mean no headers. decodePairs ignores bytes
// behind the last pair, and the size of the input bounds the memory.
func decodePairs(encoded []byte) ([]Header, error) {
	if len(encoded) == 0 {
		return nil, nil
	}
	if len(encoded) < countSize {
		return nil, errPairs
	}
	count := uint64(binary.LittleEndian.Uint32(encoded))
	lengths := encoded[countSize:]
	// Each pair has two lengths, and two zero bytes at least.
	if count*(pairSize+2) > uint64(len(lengths)) {
		return nil, errPairs
	}
	texts := lengths[count*pairSize:]
	headers := make([]Header, count)
	for i := range headers {
		var ok bool
		if headers[i].Name, texts, ok = cutText(texts, binary.LittleEndian.Uint32(lengths[i*pairSize:])); !ok {
			return nil, errPairs
		}
		if headers[i].Value, texts, ok = cutText(texts, binary.LittleEndian.Uint32(lengths[i*pairSize+4:])); !ok {
			return nil, errPairs
		}
	}
	return headers, nil
}

// cutText cuts a text of the given length, and the zero byte after the text, off texts.
func cutText(texts []byte, length uint32) (text string, rest []byte, ok bool) {
	if uint64(length) >= uint64(len(texts)) || texts[length] != 0 {
		return "", nil, false
	}
	return string(texts[:length]), texts[length+1:], true
}
