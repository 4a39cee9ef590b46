package admin

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/ending"
)

// shutdownTimeout is how long answers in progress may take when the server ends.
const shutdownTimeout = 3 * time.Second

// readTimeout is how long a request may take, with its body. Bodies are small.
const readTimeout = 15 * time.Second

// Serve answers requests on ln with srv until ctx ends. Then Serve returns nil once all answers are
// done. Event streams end with ctx. The caller sets the handler of srv, its limits and its log.
func Serve(ctx context.Context, ln net.Listener, srv *http.Server) error {
	var requests ending.Group
	srv.Handler = requests.Handler(srv.Handler)
	srv.BaseContext = func(net.Listener) context.Context { return ctx }
	srv.ReadTimeout = max(readTimeout, srv.ReadHeaderTimeout)
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
