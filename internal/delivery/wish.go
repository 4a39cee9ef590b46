package delivery

import "github.com/wasm-xds/wasm-xds/internal/ledger"

// Wish is the time when a revision became wanted, and the facts kept with it. Immutable.
// See docs/RATIONALE.md#which-time-does-a-history-show.
type Wish = ledger.Wish
