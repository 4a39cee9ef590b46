package gitcheckout

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/wasm-xds/wasm-xds/internal/regular"
)

// The form of an index, version 2: a header, the numbers of objects by their first byte, the ids,
// checksums, and the offsets in the pack.
const (
	indexHeader = 8
	indexFanout = 256 * 4
	indexMagic  = "\xfftOc\x00\x00\x00\x02"
	farOffset   = 1 << 31 // the other bits are a place in the table of large offsets
)

// mostDeltas is the longest chain of deltas. Git makes chains of 50.
const mostDeltas = 100

// index finds objects in a pack.
type index struct {
	from  io.ReaderAt
	size  int // of an id
	count int64
}

// newIndex reads the header of an index.
func newIndex(from io.ReaderAt, size int) (index, error) {
	head := make([]byte, indexHeader+indexFanout)
	if _, err := from.ReadAt(head, 0); err != nil {
		return index{}, err
	}
	if string(head[:indexHeader]) != indexMagic {
		return index{}, fmt.Errorf("%w: an index of another version", errDamaged)
	}
	return index{from, size, int64(binary.BigEndian.Uint32(head[len(head)-4:]))}, nil
}

// find returns the place of an object in the pack; false: the pack does not have it.
func (x index) find(want id) (offset int64, found bool, err error) {
	one := make([]byte, x.size)
	at := sort.Search(int(x.count), func(i int) bool {
		if _, e := x.from.ReadAt(one, indexHeader+indexFanout+int64(i)*int64(x.size)); e != nil {
			err = e
			return true
		}
		return string(one) >= string(want)
	})
	if err != nil || int64(at) == x.count {
		return 0, false, err
	}
	ids := int64(indexHeader + indexFanout)
	if _, err := x.from.ReadAt(one, ids+int64(at)*int64(x.size)); err != nil || string(one) != string(want) {
		return 0, false, err
	}
	offsets := ids + x.count*int64(x.size) + x.count*4
	near, err := x.number(offsets+int64(at)*4, 4)
	if err != nil || near < farOffset {
		return near, err == nil, err
	}
	far, err := x.number(offsets+x.count*4+(near-farOffset)*8, 8)
	return far, err == nil, err
}

// number reads a big-endian number of 4 or 8 bytes.
func (x index) number(at int64, size int) (int64, error) {
	raw := make([]byte, 8)
	if _, err := x.from.ReadAt(raw[8-size:], at); err != nil {
		return 0, err
	}
	n := binary.BigEndian.Uint64(raw)
	if n > 1<<62 {
		return 0, fmt.Errorf("%w: an offset of %d", errDamaged, n)
	}
	return int64(n), nil
}

// pack reads objects of a pack.
type pack struct {
	from io.ReaderAt
	size int // of an id
	// other finds an object by its id: a delta may name its base so.
	other func(id) (object, error)
}

// object returns the object at a place.
func (p pack) object(offset int64) (object, error) {
	var deltas [][]byte
	for range mostDeltas {
		in := bufio.NewReader(io.NewSectionReader(p.from, offset, 1<<62-offset))
		is, size, err := packHeader(in)
		if err != nil {
			return object{}, err
		}
		base := object{}
		next := int64(0)
		switch is {
		case offsetDelta:
			back, err := packDistance(in)
			if err != nil || back <= 0 || back > offset {
				return object{}, errors.Join(errDamaged, err)
			}
			next = offset - back
		case referenceDlt:
			name := make([]byte, p.size)
			if _, err = io.ReadFull(in, name); err == nil {
				base, err = p.other(id(name))
			}
			if err != nil {
				return object{}, err
			}
		default:
		}
		data, err := inflate(in, size)
		if err != nil {
			return object{}, err
		}
		switch is {
		case offsetDelta:
			deltas, offset = append(deltas, data), next
			continue
		case referenceDlt:
			deltas = append(deltas, data)
		default:
			base = object{is, data}
		}
		return applyAll(base, deltas)
	}
	return object{}, fmt.Errorf("%w: a chain of more than %d deltas", errDamaged, mostDeltas)
}

// packHeader reads the kind and the size of an object.
func packHeader(in io.ByteReader) (kind, int64, error) {
	b, err := in.ReadByte()
	is, size := kind(b>>4&7), int64(b&15)
	for shift := 4; err == nil && b&0x80 != 0; shift += 7 {
		if shift > 50 {
			return 0, 0, errDamaged
		}
		b, err = in.ReadByte()
		size |= int64(b&0x7f) << shift
	}
	return is, size, err
}

// packDistance reads the distance of a delta from its base.
func packDistance(in io.ByteReader) (int64, error) {
	b, err := in.ReadByte()
	n := int64(b & 0x7f)
	for err == nil && b&0x80 != 0 {
		if n > 1<<48 {
			return 0, errDamaged
		}
		b, err = in.ReadByte()
		n = (n+1)<<7 | int64(b&0x7f)
	}
	return n, err
}

// inflate reads compressed data of a known size.
func inflate(in io.Reader, size int64) ([]byte, error) {
	if size > mostObject {
		return nil, fmt.Errorf("%w: an object of %d bytes", regular.ErrTooLarge, size)
	}
	z, err := zlib.NewReader(in)
	if err != nil {
		return nil, err
	}
	data, err := regular.ReadAll(z, size)
	if err == nil && int64(len(data)) != size {
		err = fmt.Errorf("%w: an object is cut", errDamaged)
	}
	return data, err
}

// applyAll applies deltas to a base, the last delta first.
func applyAll(base object, deltas [][]byte) (object, error) {
	for i := len(deltas) - 1; i >= 0; i-- {
		data, err := apply(base.data, deltas[i])
		if err != nil {
			return object{}, err
		}
		base.data = data
	}
	return base, nil
}

// apply applies a delta: sizes of the base and of the result, then copies from the base and new
// bytes.
func apply(base, delta []byte) ([]byte, error) {
	in := bytes.NewReader(delta)
	from, err := binary.ReadUvarint(in)
	size, err2 := binary.ReadUvarint(in)
	if err = errors.Join(err, err2); err != nil || from != uint64(len(base)) || size > mostObject {
		return nil, errors.Join(errDamaged, err)
	}
	out := make([]byte, 0, size)
	for in.Len() > 0 {
		op, _ := in.ReadByte() // there is one
		if op&0x80 == 0 {
			n := min(int(op), in.Len())
			out = append(out, delta[len(delta)-in.Len():][:n]...)
			_, _ = in.Seek(int64(n), io.SeekCurrent) // within the delta
			if op == 0 || n < int(op) {
				return nil, errDamaged
			}
			continue
		}
		at, n := copyOf(op, in)
		if at+n > len(base) || len(out)+n > int(size) {
			return nil, errDamaged
		}
		out = append(out, base[at:at+n]...)
	}
	if len(out) != int(size) {
		return nil, errDamaged
	}
	return out, nil
}

// copyOf reads a copy's place and size. Missing bytes count as zero: the result has another size
// then.
func copyOf(op byte, in io.ByteReader) (at, size int) {
	for i := range 7 {
		if op&(1<<i) == 0 {
			continue
		}
		b, _ := in.ReadByte()
		if i < 4 {
			at |= int(b) << (8 * i)
		} else {
			size |= int(b) << (8 * (i - 4))
		}
	}
	if size == 0 {
		size = 1 << 16
	}
	return at, size
}
