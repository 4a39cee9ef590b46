package suite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// Do runs f with a harness.TB. When f returns, Do ends everything that f has started.
func (o Options) Do(ctx context.Context, name string, f func(harness.TB) error) error {
	var err error
	if !harness.Do(ctx, name, o.Log, func(t harness.TB) { err = f(t) }) && err == nil {
		err = errors.New("see above")
	}
	return err
}

// Serve starts a control plane for a directory and a real Envoy with the listeners, and waits for
// the Envoy's filters. args are further arguments of serve.
func Serve(t harness.TB, dir string, listeners []harness.HTTPListener, args ...string) {
	t.Helper()
	plane := harness.StartControlPlane(t, harness.ControlPlaneOptions{Dir: dir, Args: append([]string{"--log-level", "info"}, args...)})
	upstream := harness.StartUpstream(t).Address()
	for i := range listeners {
		listeners[i].Upstream = upstream
	}
	boot := harness.Bootstrap{
		Mode: harness.ADSDelta, XDSAddress: plane.XDSAddress(), ModulesAddress: plane.ModulesAddress(), HTTP: listeners,
	}
	harness.StartEnvoy(t, harness.EnvoyOptions{Bootstrap: boot.YAML(t)}).WaitReady()
}

// Await sends a request to a listener every half millisecond until wanted accepts an answer. The
// parameter `what` is for the error.
func Await(ctx context.Context, port int, what string, wanted func(harness.Answer) bool) error {
	client := harness.NewClient(harness.Loopback(port))
	defer client.Close()
	for start := time.Now(); time.Since(start) < harness.Deadline; {
		if answer, err := client.Get(); err == nil && wanted(answer) {
			return nil
		}
		if err := Rest(ctx, 500*time.Microsecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s does not answer", what)
}
