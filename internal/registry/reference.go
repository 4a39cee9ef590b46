package registry

import "github.com/wasm-xds/wasm-xds/pkg/spec"

// Reference names something in a registry; see [spec.ParseReference].
type Reference = spec.Reference
