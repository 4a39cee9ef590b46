package modules

import (
	"errors"
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
)

// maxInspected bounds the memory for a file; no Envoy loads a larger module.
const maxInspected = 512 << 20

func readModule(path string) ([]byte, error) {
	module, err := regular.Read(path, maxInspected)
	switch {
	case errors.Is(err, regular.ErrTooLarge):
		return nil, command.Failure("module_too_large", fmt.Sprintf("%s: the file has more than %s", path, display.Bytes(maxInspected)), "name a .wasm file")
	case err != nil:
		return nil, command.Failure("module_unreadable", path+": "+reason.Of(err), "name a .wasm file")
	}
	return module, nil
}
