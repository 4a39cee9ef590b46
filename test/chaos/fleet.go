package chaos

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// Node is an Envoy of the fleet.
type Node struct {
	ID      string
	Version string
	Mode    harness.Mode
}

// Fleet returns an Envoy of each version, and a second Envoy of the newest version, which is no
// canary. The fleet has all modes. The seed decides the mode of each version.
func Fleet(versions []string, seed uint64) []Node {
	modes := []harness.Mode{harness.ADSDelta, harness.ADSSotW, harness.ECDSDelta, harness.ECDSSotW}
	var all []Node
	for i, version := range versions {
		mode := modes[(uint64(i)+seed)%uint64(len(modes))]
		all = append(all, Node{fmt.Sprintf("%s-%s", version, mode), version, mode})
	}
	newest := all[0]
	newest.ID += "-2"
	return append(all, newest)
}

// envoy is a running node with its links and its load.
type envoy struct {
	Node
	process      *harness.EnvoyProcess
	xds, modules *harness.Link
	port         int
	load         *load
	address      string
	side         *sideListener
}

func startEnvoy(t harness.TB, n Node, cp *harness.ControlPlane, upstream string, keepAlive bool, newLoad func(address string) *load) *envoy {
	t.Helper()
	e := &envoy{Node: n, port: harness.FreePort(t)}
	e.address = harness.Loopback(e.port)
	e.load = newLoad(e.address)
	e.xds, e.modules = harness.StartLink(t, cp.XDSAddress()), harness.StartLink(t, cp.ModulesAddress())
	var filters []harness.Filter
	for _, f := range Filters() {
		filters = append(filters, harness.Filter{Name: string(f)})
	}
	boot := harness.Bootstrap{
		Mode: n.Mode, XDSAddress: e.xds.Address(), ModulesAddress: e.modules.Address(), NodeID: n.ID,
		InitialFetchTimeout: "0s", KeepAlive: keepAlive, LDSPath: filepath.Join(t.TempDir(), "lds.json"),
		HTTP: []harness.HTTPListener{{Name: "web", Port: e.port, Filters: filters, Upstream: upstream}},
	}
	e.side = newSideListener(t, boot, upstream)
	e.process = harness.StartEnvoy(t, harness.EnvoyOptions{
		Version: n.Version, Bootstrap: boot.YAML(t), LogLevel: "warning", ExtraArgs: []string{"--drain-time-s", "1"},
	})
	return e
}

// ready waits until the Envoy answers, and begins the load.
func (e *envoy) ready(t harness.TB) {
	t.Helper()
	e.process.WaitReady()
	e.process.WaitListening(e.port)
	e.load.comeUp()
}

// shows asks the Envoy on a new connection.
func (e *envoy) shows() ([]Seen, error) {
	c := newClient(e.address)
	defer c.close()
	a := c.ask(true, true)
	if a.Err != nil {
		return nil, a.Err
	}
	return a.Labels, nil
}

// rest waits for a time, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
