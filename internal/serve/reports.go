package serve

import (
	"context"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/signal"
	"github.com/wasm-xds/wasm-xds/internal/xds"
)

// newReports returns the store for the reports of Envoys.
func newReports(limits xds.Limits) *signal.Store {
	return signal.NewStore(signal.Limits{Bytes: limits.WithDefaults().ReportMemory})
}

// forgetReports drops the reports of Envoys that have gone, until ctx ends.
func forgetReports(ctx context.Context, reports *signal.Store) {
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			reports.Forget(now)
		}
	}
}
