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

// auth is the filter of scenarios with a single filter.
const auth = "auth"

// authModule returns a module that lets requests with the right token pass and stamps every
// answer.
func authModule(stamp string) []byte {
	return testfilter.HTTP{Stamp: stamp, RequireToken: true}.Module()
}

// authRequests returns a request that an auth filter must let pass and a request that the filter
// must deny.
func authRequests() []harness.Request {
	return []harness.Request{
		{Header: map[string]string{"token": "ok"}},
		{Judge: harness.Denied(testfilter.ForbiddenStatus)},
	}
}

// scenario is a directory of specs, a control plane that watches the directory, and an upstream.
type scenario struct {
	t        *testing.T
	dir      string
	upstream *harness.Upstream
	cp       *harness.ControlPlane
}

// newScenario returns a scenario that runs in parallel with others. The control plane is not
// started yet, so a test can fill the directory first.
func newScenario(t *testing.T, args ...string) *scenario {
	t.Helper()
	t.Parallel()
	s := &scenario{t: t, dir: filepath.Join(t.TempDir(), "filters"), upstream: harness.StartUpstream(t)}
	s.cp = harness.NewControlPlane(t, harness.ControlPlaneOptions{Dir: s.dir, Args: args})
	return s
}

// withoutSandbox returns the arguments for scenarios where Envoys must get a bad module.
func withoutSandbox() []string { return []string{"--preflight", "off"} }

// write writes a filter into the directory; see [harness.WriteFilter].
func (s *scenario) write(name string, module []byte, lines string) {
	s.t.Helper()
	harness.WriteFilter(s.t, s.dir, name, module, lines)
}

// writeAtOnce is write with a file of its own for each module. The server can read the specs between
// two writes, and never sees the new module with the former lines.
func (s *scenario) writeAtOnce(name string, module []byte, lines string) {
	s.t.Helper()
	file := name + "-" + harness.SHA256(module)[:8] + ".wasm"
	harness.WriteFile(s.t, filepath.Join(s.dir, file), module)
	harness.WriteFile(s.t, filepath.Join(s.dir, name+".yaml"), fmt.Appendf(nil, "name: %s\nmodule: {file: ./%s}\n%s", name, file, lines))
}

// proxyOptions describe an Envoy of a scenario.
type proxyOptions struct {
	version      string             // "": harness.DefaultVersion
	mode         harness.Mode       // "": harness.ADSDelta
	node         string             // "": the bootstrap's default
	web          [][]harness.Filter // filters of each HTTP listener; nil: one listener with auth
	raw          []harness.Filter   // network filters before an echo; nil: no TCP listener
	xds          string             // "": the control plane's address
	fetchTimeout string             // initial_fetch_timeout; "": the bootstrap's default
	change       func(*harness.Bootstrap)
}

// proxy is an Envoy of a scenario.
type proxy struct {
	*harness.EnvoyProcess
	web []string // addresses of the HTTP listeners
	raw string   // address of the TCP listener
}

// envoy starts an Envoy and does not wait for the listeners.
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

// swap writes a filter's module and waits until the module is live on n Envoys.
func (s *scenario) swap(name string, module []byte, lines string, n int) harness.FilterStatus {
	s.t.Helper()
	s.write(name, module, lines)
	return s.cp.WaitLive(name, module, n)
}

// traffic is a load with a record of each stamp's time of going live.
type traffic struct {
	t    *testing.T
	load *harness.Load
	due  []due
}

type due struct {
	since time.Time
	stamp string
}

// graceOfLive is how long an answer may come from an older revision after `live`. Workers apply
// an update a moment after the main thread's ACK.
const graceOfLive = time.Second

// traffic starts a load on a listener. The default requests are authRequests.
func (s *scenario) traffic(address string, requests ...harness.Request) *traffic {
	s.t.Helper()
	if len(requests) == 0 {
		requests = authRequests()
	}
	return &traffic{t: s.t, load: harness.StartLoad(s.t, harness.LoadOptions{Address: address, Requests: requests, Workers: 6, Rate: 450})}
}

// live records that a stamp is live now.
func (tr *traffic) live(stamp string) { tr.due = append(tr.due, due{time.Now(), stamp}) }

// end continues the load until graceOfLive has passed. Then end expects every answer to be right,
// no answer to bypass the filter, and no answer to come from an older revision than the live
// revision.
func (tr *traffic) end() harness.LoadResult {
	tr.t.Helper()
	stamps := []string{""} // answers of the built-in deny, and during warming, have no stamp
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

// eachVersionAndMode runs a scenario in every mode on the default version, and in the first mode
// on the other versions.
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

// fleet is a load on an Envoy of each version.
type fleet []*traffic

// eachVersion starts an Envoy of each version. Once the auth module is live on all of them, the
// load starts.
func (s *scenario) eachVersion(module []byte, stamp string) fleet {
	s.t.Helper()
	return s.loadEach(s.startEach(), module, stamp)
}

// startEach starts an Envoy of each version and does not wait for the listeners.
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
		// The loads together equal the load on a single Envoy elsewhere.
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
