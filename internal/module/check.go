package module

import (
	"fmt"
	"io"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// check checks bytes before they enter the store. Errors call the bytes what.
func check(stored io.ReaderAt, found snapshot.Module, m spec.Module, what string, anyBytes bool) error {
	if !anyBytes {
		if err := checkWasm(stored, found.Size); err != nil {
			err.Message = fmt.Sprintf("module %s %s", what, err.Message)
			return err
		}
	}
	if m.SHA256 != "" && m.SHA256 != found.SHA256 {
		return mismatch(m, found.SHA256, what)
	}
	return nil
}
