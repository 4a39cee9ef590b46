package delivery

import "github.com/wasm-xds/wasm-xds/internal/delivery/rollout"

// freeze is the freeze of the server.
type freeze struct {
	hold *rollout.Hold // nil: the server is not frozen
}
