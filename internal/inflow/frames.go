package inflow

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

// headerLength is the length of the header of a frame: RFC 9113, section 4.1.
const headerLength = 9

// frames counts the frames of a client. It reads the headers of frames and skips all else, so it
// trusts nothing but the lengths. The zero value is at the beginning of a connection.
type frames struct {
	preface int                // bytes of the preface so far
	header  [headerLength]byte // of the next frame
	have    int                // bytes of the header so far
	skip    int                // the remaining bytes of the payload
	isData  bool               // the payload belongs to a DATA frame
}

// read takes the next bytes of the connection. opened is the number of streams that begin with
// them, and data the number of their bytes in messages.
func (f *frames) read(p []byte) (opened, data int) {
	if missing := min(len(http2.ClientPreface)-f.preface, len(p)); missing > 0 {
		f.preface += missing
		p = p[missing:]
	}
	for len(p) > 0 {
		if f.skip > 0 {
			n := min(f.skip, len(p))
			f.skip -= n
			p = p[n:]
			if f.isData {
				data += n
			}
			continue
		}
		n := copy(f.header[f.have:], p)
		f.have += n
		p = p[n:]
		if f.have < headerLength {
			return opened, data
		}
		f.have = 0
		f.skip = int(binary.BigEndian.Uint32(f.header[:4]) >> 8)
		kind := http2.FrameType(f.header[3])
		f.isData = kind == http2.FrameData
		if kind == http2.FrameHeaders {
			opened++
		}
	}
	return opened, data
}
