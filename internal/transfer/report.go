package transfer

import (
	"context"
	"time"
)

// Wait is what a request waits for. The zero value is a request that waits for nothing.
type Wait struct {
	Why   string    // for people; "" when it goes on
	Until time.Time // zero: not known
}

type reportKey struct{}

// WithReport has report told of what the requests of the context wait for, and when they go on.
// Report may be called from any goroutine, and must not block for long.
func WithReport(ctx context.Context, report func(Wait)) context.Context {
	return context.WithValue(ctx, reportKey{}, report)
}

// Report tells whoever asked with [WithReport].
func Report(ctx context.Context, w Wait) {
	if report, ok := ctx.Value(reportKey{}).(func(Wait)); ok {
		report(w)
	}
}
