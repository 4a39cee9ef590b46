package e2e_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// auth is the filter of the scenarios that need one alone.
const auth = "auth"

// authModule lets requests with the right token pass, and stamps every answer.
func authModule(stamp string) []byte {
	return testfilter.HTTP{Stamp: stamp, RequireToken: true}.Module()
}

// authRequests are what an auth filter lets pass and what it must not.
func authRequests() []harness.Request {
	return []harness.Request{
		{Header: map[string]string{"token": "ok"}},
		{Judge: harness.Denied(testfilter.ForbiddenStatus)},
	}
}

// scenario is a directory of specs, a control plane that watches it, and an upstream.
type scenario struct {
	t        *testing.T
	dir      string
	upstream *harness.Upstream
	cp       *harness.ControlPlane
}

// newScenario makes a scenario that runs beside others. Its control plane is not
// started yet: what the directory holds by then is there from the start.
func newScenario(t *testing.T, args ...string) *scenario {
	t.Helper()
	t.Parallel()
	s := &scenario{t: t, dir: filepath.Join(t.TempDir(), "filters"), upstream: harness.StartUpstream(t)}
	s.cp = harness.NewControlPlane(t, harness.ControlPlaneOptions{Dir: s.dir, Args: args})
	return s
}

// withoutSandbox are the arguments of scenarios in which Envoys have to meet a bad module.
func withoutSandbox() []string { return []string{"--preflight", "off"} }

// write puts a filter into the directory; see [harness.WriteFilter].
func (s *scenario) write(name string, module []byte, lines string) {
	s.t.Helper()
	harness.WriteFilter(s.t, s.dir, name, module, lines)
}

// proxyOptions says what an Envoy of a scenario is like.
type proxyOptions struct {
	version      string             // "": harness.DefaultVersion
	mode         harness.Mode       // "": harness.ADSDelta
	node         string             // "": the bootstrap's
	web          [][]harness.Filter // the filters of each HTTP listener; nil: one with auth
	raw          []harness.Filter   // network filters before an echo; nil: no TCP listener
	xds          string             // "": the control plane, without anything between
	fetchTimeout string             // initial_fetch_timeout; "": the bootstrap's
	change       func(*harness.Bootstrap)
}

// proxy is an Envoy of a scenario.
type proxy struct {
	*harness.EnvoyProcess
	web []string // addresses of the HTTP listeners
	raw string   // address of the TCP listener
}

// envoy starts an Envoy, whose listeners may be warming still.
func (s *scenario) envoy(o proxyOptions) *proxy {
	s.t.Helper()
	b := harness.Bootstrap{
		Mode: o.mode, XDSAddress: o.xds, ModulesAddress: s.cp.ModulesAddress(), NodeID: o.node,
		InitialFetchTimeout: o.fetchTimeout,
	}
	if b.XDSAddress == "" {
		b.XDSAddress = s.cp.XDSAddress()
	}
	if o.web == nil {
		o.web = [][]harness.Filter{harness.Filters(auth)}
	}
	e := &proxy{}
	for i, filters := range o.web {
		port := harness.FreePort(s.t)
		b.HTTP = append(b.HTTP, harness.HTTPListener{
			Name: fmt.Sprintf("web%d", i), Port: port, Filters: filters, Upstream: s.upstream.Address(),
		})
		e.web = append(e.web, harness.Loopback(port))
	}
	if o.raw != nil {
		port := harness.FreePort(s.t)
		b.TCP = []harness.TCPListener{{Name: "raw", Port: port, Filters: o.raw, Upstream: harness.StartTCPEcho(s.t)}}
		e.raw = harness.Loopback(port)
	}
	if o.change != nil {
		o.change(&b)
	}
	e.EnvoyProcess = harness.StartEnvoy(s.t, harness.EnvoyOptions{Version: o.version, Bootstrap: b.YAML(s.t)})
	return e
}

// swap writes the module of a filter and waits until it is live on n Envoys.
func (s *scenario) swap(name string, module []byte, lines string, n int) harness.FilterStatus {
	s.t.Helper()
	s.write(name, module, lines)
	return s.cp.WaitLive(name, module, n)
}

// traffic is a load that knows which stamp is due from when on.
type traffic struct {
	t    *testing.T
	load *harness.Load
	due  []due
}

type due struct {
	since time.Time
	stamp string
}

// graceOfLive is how long after `live` an answer may still be of an older
// revision: workers take an update up a moment after the main thread's ACK.
const graceOfLive = time.Second

// traffic starts a load on one listener. Without requests it is that of auth.
func (s *scenario) traffic(address string, requests ...harness.Request) *traffic {
	s.t.Helper()
	if len(requests) == 0 {
		requests = authRequests()
	}
	return &traffic{t: s.t, load: harness.StartLoad(s.t, harness.LoadOptions{Address: address, Requests: requests, Workers: 6, Rate: 450})}
}

// live says that a stamp is live now.
func (tr *traffic) live(stamp string) { tr.due = append(tr.due, due{time.Now(), stamp}) }

// end lets the load go on until the last stamp is long due, and then wants every
// answer to have been right, none to have come without the filter, and none from
// an older revision than was due.
func (tr *traffic) end() harness.LoadResult {
	tr.t.Helper()
	stamps := []string{""} // refusals of the built-in deny, and warming, come without
	if n := len(tr.due); n > 0 {
		for time.Since(tr.due[n-1].since) < graceOfLive {
			tr.load.WaitRequests(20)
		}
		tr.load.WaitRequests(20)
	}
	result := tr.load.MustBeClean()
	for i, d := range tr.due {
		var fresh []string
		for _, later := range tr.due[i:] {
			fresh = append(fresh, later.stamp)
		}
		stamps = append(stamps, d.stamp)
		if n := tr.load.Stale(d.since.Add(graceOfLive), fresh...); n > 0 {
			tr.t.Errorf("%d answers were stale after %q was live: %v", n, d.stamp, tr.load.Stamps())
		}
	}
	for stamp, n := range tr.load.Stamps() {
		if len(tr.due) > 0 && !slices.Contains(stamps, stamp) {
			tr.t.Errorf("%d answers of %q, which never was live", n, stamp)
		}
	}
	tr.t.Logf("%d requests, %.0f/s, answered by %d versions", result.Requests, result.Rate(), len(tr.load.Stamps()))
	return result
}

// eachVersionAndMode runs a scenario on the default version in every mode, and on
// the others in the first.
func eachVersionAndMode(t *testing.T, run func(t *testing.T, version string, mode harness.Mode), prefix ...string) {
	for _, version := range versions() {
		for i, mode := range harness.Modes() {
			if i > 0 && version != harness.DefaultVersion {
				continue
			}
			name := strings.Join(append(slices.Clone(prefix), version, string(mode)), "/")
			t.Run(name, func(t *testing.T) { run(t, version, mode) })
		}
	}
}

// fleet is the load on an Envoy of each version.
type fleet []*traffic

// eachVersion starts an Envoy of each version, which run auth under load once the module is
// live on all of them.
func (s *scenario) eachVersion(module []byte, stamp string) fleet {
	s.t.Helper()
	return s.loadEach(s.startEach(), module, stamp)
}

// startEach starts an Envoy of each version, whose listeners may be warming still.
func (s *scenario) startEach() []*proxy {
	s.t.Helper()
	var all []*proxy
	for _, version := range versions() {
		all = append(all, s.envoy(proxyOptions{version: version, node: "envoy-" + version}))
	}
	return all
}

func (s *scenario) loadEach(all []*proxy, module []byte, stamp string) fleet {
	s.t.Helper()
	s.cp.WaitLive(auth, module, len(all))
	var f fleet
	for _, e := range all {
		e.WaitReady()
		// Together they are as much as the load on one Envoy elsewhere.
		load := harness.StartLoad(s.t, harness.LoadOptions{Address: e.web[0], Requests: authRequests(), Workers: 2, Rate: 110})
		f = append(f, &traffic{t: s.t, load: load})
	}
	f.live(stamp)
	return f
}

func (f fleet) live(stamp string) {
	for _, tr := range f {
		tr.live(stamp)
	}
}

func (f fleet) end() {
	for _, tr := range f {
		tr.end()
	}
}

// lines joins lines of YAML.
func lines(all ...string) string {
	text := ""
	for _, line := range all {
		text += line + "\n"
	}
	return text
}
