package admin

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/ending"
)

// shutdownTimeout is how long answers in progress may take when the server ends.
const shutdownTimeout = 3 * time.Second

// Serve answers requests on ln with h until ctx ends. Then Serve returns nil once all answers are
// done. Event streams end with ctx. errorLog takes the errors of connections, as failed TLS
// handshakes; nil means the standard logger.
func Serve(ctx context.Context, ln net.Listener, h http.Handler, errorLog *log.Logger) error {
	var requests ending.Group
	srv := &http.Server{
		Handler:           requests.Handler(h),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          errorLog,
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := srv.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	requests.End() // Close does not wait for handlers
	_ = <-ended    // http.ErrServerClosed, always
	return err
}
