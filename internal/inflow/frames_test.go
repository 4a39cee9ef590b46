package inflow

import (
	"bytes"
	"testing"

	"golang.org/x/net/http2"
)

// sent is a client's bytes: two streams, a message in two pieces, and frames that do not count.
func sent(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(http2.ClientPreface)
	f := http2.NewFramer(&b, nil)
	for _, write := range []error{
		f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20}),
		f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: make([]byte, 70), EndHeaders: true}),
		f.WriteData(1, false, make([]byte, 1000)),
		f.WritePing(false, [8]byte{}),
		f.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: make([]byte, 7)}),
		f.WriteContinuation(3, true, make([]byte, 300)),
		f.WriteData(1, false, make([]byte, 23)),
		f.WriteRSTStream(3, http2.ErrCodeCancel),
		f.WriteData(1, true, nil),
	} {
		if write != nil {
			t.Fatal(write)
		}
	}
	return b.Bytes()
}

// The counts are the same however the bytes are cut into pieces.
func TestFramesAreCounted(t *testing.T) {
	all := sent(t)
	for piece := 1; piece <= len(all); piece++ {
		var f frames
		opened, data := 0, 0
		for rest := all; len(rest) > 0; {
			n := min(piece, len(rest))
			o, d := f.read(rest[:n])
			opened, data, rest = opened+o, data+d, rest[n:]
		}
		if opened != 2 || data != 1023 || f.skip != 0 || f.have != 0 {
			t.Fatalf("in pieces of %d: %d streams, %d bytes, and %+v", piece, opened, data, f)
		}
	}
}

// Whatever a client sends, no more bytes count than came.
func FuzzFrames(f *testing.F) {
	f.Add([]byte(http2.ClientPreface+"\x00\x00\x05\x00\x00\x00\x00\x00\x01hello"), 3)
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), 100)
	f.Fuzz(func(t *testing.T, all []byte, piece int) {
		piece = max(piece, 1)
		var c frames
		opened, data := 0, 0
		for rest := all; len(rest) > 0; {
			n := min(piece, len(rest))
			o, d := c.read(rest[:n])
			opened, data, rest = opened+o, data+d, rest[n:]
		}
		if data < 0 || data > len(all) || opened*headerLength > len(all) {
			t.Errorf("%d bytes: %d streams, %d bytes of data", len(all), opened, data)
		}
	})
}
