package state

import (
	"bytes"
	"crypto/sha256"
	"fmt"
)

// frame puts a line before the data: a word that names the form, the data's
// sha256 and its size. The file stays readable for people, whatever is in it.
func frame(data []byte) []byte {
	header := header(data)
	framed := make([]byte, 0, len(header)+len(data))
	framed = append(framed, header...)
	return append(framed, data...)
}

func header(data []byte) []byte {
	return fmt.Appendf(nil, "wasm-xds-state/1 sha256:%x size:%d\n", sha256.Sum256(data), len(data))
}

// unframe gives the data back, or [ErrCorrupt] when a byte is missing or differs.
func unframe(framed []byte) ([]byte, error) {
	first, data, found := bytes.Cut(framed, []byte("\n"))
	if !found {
		return nil, fmt.Errorf("%w: its first line is cut off", ErrCorrupt)
	}
	// The header has one form only, so making it again is the whole check.
	if !bytes.Equal(framed[:len(first)+1], header(data)) {
		return nil, fmt.Errorf("%w: its content does not match its sha256 and size", ErrCorrupt)
	}
	return data, nil
}
