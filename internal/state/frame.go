package state

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
)

// ErrCorrupt marks the error of [Dir.Load] for a damaged file.
var ErrCorrupt = errors.New("file is damaged")

// fileMode hides the files from other users, because plugin configurations may be secret.
const fileMode = 0o600

// corruptInfix separates a damaged file's name and time.
const corruptInfix = ".corrupt-"

// family begins the content of each file of this package.
const family = "wasm-xds-state/"

// frame puts a header line before the data: the name of the format, the data's sha256 and the size.
// Unsealed data stays readable in the file.
func frame(data []byte) []byte {
	header := header(data)
	framed := make([]byte, 0, len(header)+len(data))
	framed = append(framed, header...)
	return append(framed, data...)
}

func header(data []byte) []byte {
	return fmt.Appendf(nil, family+"1 sha256:%x size:%d\n", sha256.Sum256(data), len(data))
}

// unframe returns the data, or [ErrCorrupt] if a byte is missing or differs.
func unframe(framed []byte) ([]byte, error) {
	first, data, found := bytes.Cut(framed, []byte("\n"))
	if !found {
		return nil, fmt.Errorf("%w: its first line is cut off", ErrCorrupt)
	}
	// The header has only one valid form, so a comparison with a new header is a complete check.
	if !bytes.Equal(framed[:len(first)+1], header(data)) {
		return nil, fmt.Errorf("%w: its content does not match its sha256 and size", ErrCorrupt)
	}
	return data, nil
}
