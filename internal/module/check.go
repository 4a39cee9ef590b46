package module

import (
	"fmt"
	"io"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// check checks bytes before they enter the store. name is the name of the bytes in errors.
func check(stored io.ReaderAt, found snapshot.Module, m spec.Module, name string, anyBytes bool) error {
	if !anyBytes {
		if err := checkWasm(stored, found.Size); err != nil {
			err.Message = fmt.Sprintf("module %s %s", name, err.Message)
			return err
		}
	}
	if m.SHA256 != "" && m.SHA256 != found.SHA256 {
		return mismatch(m, found.SHA256, name)
	}
	return nil
}
