// Package spiffetest is a SPIFFE agent for tests: one Unix socket with the Workload API, and with
// the SDS from which Envoy takes its certificates, as SPIRE's agent has them.
//
// A real agent looks at the process that connects, and gives each process its own identity. This
// one gives all of them the same [Answer], so a test has an agent for the server and another
// one for Envoys:
//
//	agent := spiffetest.Start(t)
//	agent.Give(spiffetest.Answer{SVIDs: []spiffetest.SVID{{ID: id, Pair: pair}}, Bundles: …})
//
// Each call of Give reaches all streams at once. Stop ends the agent, and Restart starts it again
// on the same socket.
package spiffetest

import (
	"net"
	"path/filepath"
	"sync"
	"testing"

	secretv3 "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/grpc"
)

// Agent is a running agent.
type Agent struct {
	t    testing.TB
	path string

	answers
	mu     sync.Mutex
	server *grpc.Server
	ended  sync.WaitGroup
}

// New returns an agent that does not run yet, and that knows no process.
func New(t testing.TB) *Agent {
	t.Helper()
	a := &Agent{t: t, path: filepath.Join(t.TempDir(), "api.sock"), answers: answers{changed: make(chan struct{})}}
	t.Cleanup(a.Stop)
	return a
}

// Start returns a running agent that knows no process.
func Start(t testing.TB) *Agent {
	t.Helper()
	a := New(t)
	a.Restart()
	return a
}

// Socket returns the address of the agent.
func (a *Agent) Socket() string { return "unix://" + a.path }

// Restart starts the agent on its socket.
func (a *Agent) Restart() {
	a.t.Helper()
	listener, err := net.Listen("unix", a.path)
	if err != nil {
		a.t.Fatal(err)
	}
	server := grpc.NewServer()
	workload.RegisterSpiffeWorkloadAPIServer(server, workloadAPI{answers: &a.answers})
	secretv3.RegisterSecretDiscoveryServiceServer(server, sds{answers: &a.answers})
	a.mu.Lock()
	a.server = server
	a.mu.Unlock()
	a.ended.Go(func() { _ = server.Serve(listener) })
}

// Stop ends the agent and its streams.
func (a *Agent) Stop() {
	a.mu.Lock()
	server := a.server
	a.mu.Unlock()
	if server != nil {
		server.Stop()
	}
	a.ended.Wait()
}
