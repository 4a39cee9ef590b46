package proxywasm

import (
	"reflect"
	"strings"
	"testing"
)

// TestPairsAreAsTheABISays compares with bytes that were written by hand.
func TestPairsAreAsTheABISays(t *testing.T) {
	headers := []Header{{":path", "/"}, {"a", ""}}
	want := "\x02\x00\x00\x00" + "\x05\x00\x00\x00\x01\x00\x00\x00" + "\x01\x00\x00\x00\x00\x00\x00\x00" +
		":path\x00/\x00a\x00\x00"
	if got := string(encodePairs(headers)); got != want {
		t.Errorf("encoded: got %q, want %q", got, want)
	}
	got, err := decodePairs([]byte(want))
	if err != nil || !reflect.DeepEqual(got, headers) {
		t.Errorf("decoded: got %q, %v, want %q", got, err, headers)
	}
}

func TestNoPairs(t *testing.T) {
	if got := string(encodePairs(nil)); got != "\x00\x00\x00\x00" {
		t.Errorf("encoded: got %q, want the number 0", got)
	}
	for _, encoded := range []string{"", "\x00\x00\x00\x00"} {
		if got, err := decodePairs([]byte(encoded)); err != nil || len(got) != 0 {
			t.Errorf("decoded %q: got %q, %v, want nothing", encoded, got, err)
		}
	}
}

// TestMalformedPairs: each is refused, and none costs memory that its size does not justify.
func TestMalformedPairs(t *testing.T) {
	for name, encoded := range map[string]string{
		"half a count":          "\x01\x00",
		"a count alone":         "\x01\x00\x00\x00",
		"a huge count":          "\xff\xff\xff\xff" + strings.Repeat("\x00", 100),
		"a name beyond the end": "\x01\x00\x00\x00" + "\x09\x00\x00\x00\x00\x00\x00\x00" + "a\x00\x00",
		"a huge value":          "\x01\x00\x00\x00" + "\x01\x00\x00\x00\xff\xff\xff\xff" + "a\x00b\x00",
		"no zero byte":          "\x01\x00\x00\x00" + "\x01\x00\x00\x00\x01\x00\x00\x00" + "a=b\x00",
	} {
		if got, err := decodePairs([]byte(encoded)); err == nil {
			t.Errorf("%s: got %q, want an error", name, got)
		}
	}
}

// FuzzDecodePairs: no input makes the decoder panic, and accepted input survives a round trip.
func FuzzDecodePairs(f *testing.F) {
	f.Add([]byte{})
	f.Add(encodePairs(nil))
	f.Add(encodePairs([]Header{{":method", "GET"}, {"x", ""}, {"", "y"}}))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		headers, err := decodePairs(encoded)
		if err != nil {
			return
		}
		if len(headers)*(pairSize+2) > len(encoded) {
			t.Fatalf("%d headers out of %d bytes", len(headers), len(encoded))
		}
		again, err := decodePairs(encodePairs(headers))
		if err != nil || len(again) != len(headers) {
			t.Fatalf("again: got %q, %v, want %q", again, err, headers)
		}
		for i := range headers {
			if again[i] != headers[i] {
				t.Fatalf("again: got %q, want %q", again, headers)
			}
		}
	})
}
