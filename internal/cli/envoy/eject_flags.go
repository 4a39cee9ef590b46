package envoy

import (
	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
)

// ejectOptions are the flags of eject.
type ejectOptions struct {
	from              []string // paths and bundles; empty: the state
	sources           fetch.Flags
	host              fetch.HostEnv
	stateDir, keyFile string
	dirInEnvoy        string
	version           string
	force             bool
	envoy             bootstrap.Options
	output            *string
}
