package harness_test

import (
	"net"
	"os/exec"
	"sync"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// A child has copies of all sockets until it runs its own program.
func TestPortsAreFreeWhileProcessesStart(t *testing.T) {
	done := make(chan struct{})
	var starting sync.WaitGroup
	for range 4 {
		starting.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					_ = exec.Command("true").Run()
				}
			}
		})
	}
	defer starting.Wait()
	defer close(done)
	for range 500 {
		address := harness.Loopback(harness.FreePort(t))
		listener, err := net.Listen("tcp", address) // as another process would
		if err != nil {
			t.Fatal(err)
		}
		_ = listener.Close()
		for range 3 { // a server that comes back
			_ = harness.Listen(t, address).Close()
		}
	}
}
