package wire

import "google.golang.org/protobuf/encoding/protowire"

// nextField is a message's first field: the value if it is bytes, and the length of the field with
// its tag. A negative length says the field is malformed.
func nextField(b []byte) (number protowire.Number, kind protowire.Type, value []byte, whole int) {
	// Nearly all fields are short: names, types, nonces.
	if len(b) > 1 && b[0] < 0x80 && b[0]>>3 > 0 && b[0]&7 == byte(protowire.BytesType) && b[1] < 0x80 {
		if whole = 2 + int(b[1]); whole <= len(b) {
			return protowire.Number(b[0] >> 3), protowire.BytesType, b[2:whole], whole
		}
	}
	number, kind, tag := protowire.ConsumeTag(b)
	if tag < 0 {
		return 0, 0, nil, tag
	}
	n := protowire.ConsumeFieldValue(number, kind, b[tag:])
	if n < 0 {
		return 0, 0, nil, n
	}
	if kind == protowire.BytesType {
		value, _ = protowire.ConsumeBytes(b[tag:])
	}
	return number, kind, value, tag + n
}

// eachBytes calls f for each field of bytes, until a malformed field.
func eachBytes(message []byte, f func(number protowire.Number, value []byte)) {
	for len(message) > 0 {
		number, kind, value, whole := nextField(message)
		if whole < 0 {
			return
		}
		if kind == protowire.BytesType {
			f(number, value)
		}
		message = message[whole:]
	}
}

// hasField says whether a message has a field of bytes that is not empty.
func hasField(message []byte, field protowire.Number) bool {
	for rest := message; len(rest) > 0; {
		number, kind, value, whole := nextField(rest)
		if whole < 0 {
			return false
		}
		if number == field && kind == protowire.BytesType && len(value) > 0 {
			return true
		}
		rest = rest[whole:]
	}
	return false
}

// appendString adds a field. protobuf leaves out an empty string, and so does appendString.
func appendString(b []byte, field protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

// appendLength begins a field of n bytes.
func appendLength(b []byte, field protowire.Number, n int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.BytesType), uint64(n))
}
