package track

import (
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/internal/tags"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Config configures the journeys.
type Config struct {
	// Tags knows the digests of tags.
	Tags *tags.Table
	// Verify has the required signers of the modules of all specs.
	Verify spec.Verify
	// Delivery is for specs without a delivery of their own.
	Delivery spec.Delivery
	// Sandbox: there is a sandbox. Preflight is the effect of its findings, and HostEnv has its
	// values for names in vm.hostEnv.
	Sandbox   bool
	Preflight examine.Mode
	HostEnv   map[string]string
	// Places is the number of checks that run at a time.
	Places int
	// Pauses are the pauses before further tries of a read or a check.
	Pauses pause.Policy
}
