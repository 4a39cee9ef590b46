package envoyfacts

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// choice is an Envoy with several servers in its bootstrap, as `wasm-xds bootstrap` writes it.
type choice struct {
	*harness.EnvoyProcess
	t       *testing.T
	servers []*xdsServer
	stops   []func()
	web     string
}

// startChoice starts an Envoy and its servers. The first server to get the stream sends a filter.
func startChoice(t *testing.T, version string, options ...grpc.ServerOption) (*choice, *stream) {
	t.Helper()
	c := &choice{t: t, web: harness.Loopback(harness.FreePort(t))}
	dir := filepath.Join(t.TempDir(), "filters")
	harness.WriteFilter(t, dir, "auth", good("v1"), "")
	args := []string{"bootstrap", dir, "--stats", "none", "--listen-address", c.web, "--upstream-address", harness.StartUpstream(t).Address()}
	for range 2 {
		s := &xdsServer{t: t, address: harness.Loopback(harness.FreePort(t)), options: options}
		c.servers, c.stops = append(c.servers, s), append(c.stops, s.listen())
		args = append(args, "--xds-server", s.address, "--modules-server", harness.Loopback(harness.FreePort(t)))
	}
	text, err := exec.CommandContext(t.Context(), harness.BuildBinary(t), args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	c.EnvoyProcess = harness.StartEnvoy(t, harness.EnvoyOptions{Version: version, Bootstrap: string(text)})
	st := c.next()
	st.ack(filter{version: "1", module: good("v1")}.resource(t))
	c.WaitReady()
	return c, st
}

// next waits for a new stream to any of the servers.
func (c *choice) next() *stream {
	c.t.Helper()
	var found *stream
	if !harness.Poll(c.t.Context(), func() bool {
		for _, s := range c.servers {
			if found = s.untaken("auth"); found != nil {
				return true
			}
		}
		return false
	}) {
		c.t.Fatal("no stream comes")
	}
	return found
}

// index is the server of a stream.
func (c *choice) index(st *stream) int {
	if st.server == c.servers[0] {
		return 0
	}
	return 1
}

// keeps expects an Envoy that names its filter on a new stream, and has loaded it once.
func (c *choice) keeps(st *stream) {
	c.t.Helper()
	if got := st.firstFor("auth").initial["auth"]; got != "1" {
		c.t.Errorf("the new stream names the version %q", got)
	}
	if a := harness.Get(c.t, c.web, nil); a.Status != http.StatusOK || a.Stamp() != "v1" {
		c.t.Errorf("%d with stamp %q", a.Status, a.Stamp())
	}
	if n := c.FilterStats("auth")["config_reload"]; n != 1 {
		c.t.Errorf("%d reloads", n)
	}
}

// If the server of an Envoy ends, the Envoy goes straight to another server. It does not try the
// server that has ended. If all servers have failed, it tries them all.
func TestAnEnvoyGoesToAnotherServer(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		c, st := startChoice(t, version)
		ended := c.index(st)
		began := time.Now()
		c.stops[ended]()
		st = c.next()
		t.Logf("the next stream comes after %v", time.Since(began))
		if c.index(st) == ended {
			t.Fatal("the stream is on the server that has ended")
		}
		c.keeps(st)
		if n := c.Stat("cluster.wasm_xds.upstream_cx_connect_fail"); n != 0 {
			t.Errorf("%d attempts at the server that has ended", n)
		}
		if n := c.Stat("cluster.wasm_xds.outlier_detection.ejections_enforced_total"); n != 1 {
			t.Errorf("%d servers were left out", n)
		}
		c.stops[ended] = c.servers[ended].listen()
		c.stops[1-ended]()
		if st = c.next(); c.index(st) != ended {
			t.Fatal("the stream is on the server that has ended")
		}
		c.keeps(st)
	})
}

// A connection that ends because of its age, as gRPC servers can have it, moves its stream to
// another server.
func TestAnOldConnectionMovesItsStream(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		c, st := startChoice(t, version, grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge: 2 * time.Second, MaxConnectionAgeGrace: time.Second,
		}))
		seen := map[int]bool{c.index(st): true}
		for range 2 {
			st = c.next()
			seen[c.index(st)] = true
			c.keeps(st)
		}
		if len(seen) != 2 {
			t.Error("all streams go to one server")
		}
	})
}
