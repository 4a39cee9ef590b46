package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/tetratelabs/wazero"

	"github.com/wasm-xds/wasm-xds/internal/preflight/engine"
	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
)

// code is a module with the content of the sections. Neither ever changes.
type code struct {
	bytes  []byte
	module *wasmbin.Module
}

// moduleSum is a module's SHA-256.
type moduleSum [sha256.Size]byte

// sumOf decodes a SHA-256 in hex; ok is false for any other text.
func sumOf(text string) (sum moduleSum, ok bool) {
	b, err := hex.DecodeString(text)
	return sum, err == nil && copy(sum[:], b) == len(b) && len(b) == len(sum)
}

type moduleKey struct {
	module moduleSum
	engine engine.Engine
	memory uint32 // the limit, in pages
}

// prepared is a decoded and linked module, for any number of instances at a time.
type prepared struct {
	key      moduleKey
	size     int // of the module, in bytes
	code     code
	imports  []envoy.HostFunction
	runtime  wazero.Runtime
	compiled wazero.CompiledModule

	// Guarded by Modules.
	users   int
	used    uint64
	dropped bool // no run may take the module any more: the last user closes it
}

func closeAll(all []*prepared) {
	for _, p := range all {
		_ = p.runtime.Close(context.Background()) // the module has no instance left
	}
}
