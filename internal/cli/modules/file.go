package modules

import (
	"fmt"
	"io"
	"os"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/reason"
)

// maxInspected bounds the memory for a file; no Envoy loads a larger module.
const maxInspected = 512 << 20

func readModule(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, command.Failure("module_unreadable", path+": "+reason.Of(err), "name a .wasm file")
	}
	defer file.Close()
	module, err := io.ReadAll(io.LimitReader(file, maxInspected+1))
	switch {
	case err != nil:
		return nil, command.Failure("module_unreadable", path+": "+reason.Of(err), "name a .wasm file")
	case len(module) > maxInspected:
		return nil, command.Failure("module_too_large", fmt.Sprintf("%s: the file has more than %s", path, display.Bytes(maxInspected)), "name a .wasm file")
	}
	return module, nil
}
