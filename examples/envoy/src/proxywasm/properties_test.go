package proxywasm

import (
	"errors"
	"testing"
)

func TestDecodeInt(t *testing.T) {
	if got, err := decodeInt([]byte("\x2c\x01\x00\x00\x00\x00\x00\x00")); got != 300 || err != nil {
		t.Errorf("got %d, %v, want 300", got, err)
	}
	if got, err := decodeInt([]byte("\xff\xff\xff\xff\xff\xff\xff\xff")); got != -1 || err != nil {
		t.Errorf("got %d, %v, want -1", got, err)
	}
	for _, value := range []string{"", "300", "123456789"} {
		if got, err := decodeInt([]byte(value)); !errors.Is(err, ErrResultMismatch) {
			t.Errorf("%q: got %d, %v, want a mismatch", value, got, err)
		}
	}
}

func TestDecodeBool(t *testing.T) {
	for value, want := range map[string]bool{"\x00": false, "\x01": true} {
		if got, err := decodeBool([]byte(value)); got != want || err != nil {
			t.Errorf("%q: got %t, %v, want %t", value, got, err, want)
		}
	}
	if got, err := decodeBool([]byte("true")); !errors.Is(err, ErrResultMismatch) {
		t.Errorf("got %t, %v, want a mismatch", got, err)
	}
}

// TestWithoutAHost: outside of a VM each host function says that it is not implemented.
func TestWithoutAHost(t *testing.T) {
	if _, err := StringProperty("source", "address"); !errors.Is(err, ErrUnimplemented) {
		t.Errorf("got %v, want %v", err, ErrUnimplemented)
	}
	if err := RequestHeaders.Add("a", "b"); !errors.Is(err, ErrUnimplemented) {
		t.Errorf("got %v, want %v", err, ErrUnimplemented)
	}
	if err := HTTPCall(HTTPRequest{Cluster: "auth"}, func(HTTPResponse) {}); !errors.Is(err, ErrUnimplemented) {
		t.Errorf("got %v, want %v", err, ErrUnimplemented)
	}
}
