package wasmbin

import (
	"strings"
)

// reader reads the binary format. After a failure it returns zeros.
type reader struct {
	data   []byte
	at     int
	failed bool
}

func (r *reader) byte() byte {
	if r.failed || r.at >= len(r.data) {
		r.failed = true
		return 0
	}
	r.at++
	return r.data[r.at-1]
}

// u32 reads an unsigned LEB128 number.
func (r *reader) u32() uint32 {
	var value uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		value |= uint64(b&0x7f) << shift
		if b&0x80 == 0 {
			if value > 1<<32-1 {
				break
			}
			return uint32(value)
		}
	}
	r.failed = true
	return 0
}

// skipNumber skips LEB128 of up to 64 bits.
func (r *reader) skipNumber() {
	for range 10 {
		if r.byte()&0x80 == 0 {
			return
		}
	}
	r.failed = true
}

func (r *reader) bytes(n uint32) []byte {
	if r.failed || uint64(n) > uint64(len(r.data)-r.at) {
		r.failed = true
		return nil
	}
	r.at += int(n)
	return r.data[r.at-int(n) : r.at]
}

func (r *reader) name() string { return string(r.bytes(r.u32())) }

// section reads a length and returns a reader of that many bytes.
func (r *reader) section() *reader { return &reader{data: r.bytes(r.u32())} }

// more reports whether there is another byte to read.
func (r *reader) more() bool { return r.at < len(r.data) && !r.failed }

// count reads a vector's number of items, which take at least a byte each.
func (r *reader) count() uint32 {
	n := r.u32()
	if uint64(n) > uint64(len(r.data)-r.at) {
		r.failed = true
		return 0
	}
	return n
}

// each reads a vector's items. Each item takes at least a byte, which bounds their number.
func (r *reader) each(item func()) {
	for range r.count() {
		if r.failed {
			return
		}
		item()
	}
}

// valueType skips a type: one byte, and for some references the type that they refer to.
func (r *reader) valueType() byte {
	const nullable, notNullable = 0x63, 0x64
	b := r.byte()
	if b == nullable || b == notNullable {
		r.u32() // as long as the signed number in its place
	}
	return b
}

// values reads a list of types as the letters of a signature.
func (r *reader) values() string {
	letters := map[byte]byte{0x7f: 'i', 0x7e: 'I', 0x7d: 'f', 0x7c: 'F', 0x7b: 'v', 0x70: 'r', 0x6f: 'r'}
	var b strings.Builder
	r.each(func() {
		letter, ok := letters[r.valueType()]
		if !ok {
			letter = '?'
		}
		b.WriteByte(letter)
	})
	return b.String()
}

// limits reads the sizes of a memory or a table.
func (r *reader) limits() (minimum, maximum uint32, hasMaximum bool) {
	flags := r.byte()
	minimum = r.u32()
	if flags&1 != 0 {
		maximum, hasMaximum = r.u32(), true
	}
	return minimum, maximum, hasMaximum
}

// expression skips a constant expression.
func (r *reader) expression() {
	for !r.failed {
		switch op := r.byte(); op {
		case 0x0b: // end
			return
		case 0x41, 0x42, 0x23, 0xd0, 0xd2: // constants, globals and references
			r.skipNumber()
		case 0x43:
			r.bytes(4)
		case 0x44:
			r.bytes(8)
		case 0xfd: // a vector
			r.skipNumber()
			r.bytes(16)
		case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e: // sums and products
		default:
			r.failed = true
		}
	}
}
