package transfer

import (
	"context"
	"time"
)

// Wait says why a request waits. The zero value means the request does not wait.
type Wait struct {
	Why   string    // the reason in words; "" when the request continues
	Until time.Time // zero: unknown
}

type reportKey struct{}

// WithReport makes the requests of the context call report when they begin to wait and when they
// continue. Any goroutine may call report, so report must be safe for concurrent use and must not
// block for long.
func WithReport(ctx context.Context, report func(Wait)) context.Context {
	return context.WithValue(ctx, reportKey{}, report)
}

// Report calls the function of [WithReport], if there is one.
func Report(ctx context.Context, w Wait) {
	if report, ok := ctx.Value(reportKey{}).(func(Wait)); ok {
		report(w)
	}
}
