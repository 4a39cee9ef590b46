package dir

import "github.com/wasm-xds/wasm-xds/pkg/spec"

// settings are the parts of a Source's configuration on which a look depends.
type settings struct {
	dir    string // as given
	bounds *spec.Bounds
	decode Decode
	verify spec.Verify

	// Replaced by tests.
	disk   disk
	limits limits
}
