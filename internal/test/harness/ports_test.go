package harness_test

import (
	"net"
	"os/exec"
	"sync"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// A new child has copies of all sockets until exec.
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
		listener, err := net.Listen("tcp", address) // like another process
		if err != nil {
			t.Fatal(err)
		}
		_ = listener.Close()
		for range 3 { // a server that restarts
			_ = harness.Listen(t, address).Close()
		}
	}
}
