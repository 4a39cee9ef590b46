package envoyfacts

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	httpwasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/wasm/v3"
	networkwasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/wasm/v3"
	wasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/wasm/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// modules is an HTTP server for modules. It counts the GETs.
type modules struct {
	t      *testing.T
	server *httptest.Server

	mu    sync.Mutex
	bytes map[string][]byte
	gets  map[string]int // finished GETs by path
	hold  chan struct{}  // if not nil, responses wait until the channel is closed
	taken chan struct{}  // see askToClose; nil: connections stay open
}

func startModules(t *testing.T) *modules {
	t.Helper()
	m := &modules{t: t, bytes: map[string][]byte{}, gets: map[string]int{}}
	m.server = httptest.NewServer(m)
	t.Cleanup(func() {
		m.server.CloseClientConnections()
		m.server.Close()
	})
	return m
}

func (m *modules) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	module, ok := m.bytes[r.URL.Path]
	hold, taken := m.hold, m.taken
	m.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	}
	switch {
	case !ok:
		http.NotFound(w, r)
	case taken != nil:
		w.Header().Set("Connection", "close")
		w.Header().Set("Content-Length", strconv.Itoa(len(module)))
		_, _ = w.Write(module)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		taken <- struct{}{}
	default:
		_, _ = w.Write(module)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gets[r.URL.Path]++
}

func (m *modules) address() string { return m.server.Listener.Addr().String() }

// put makes a module available and returns the path.
func (m *modules) put(module []byte) string {
	path := "/modules/" + harness.SHA256(module) + ".wasm"
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bytes[path] = module
	return path
}

// count returns the number of finished GETs of a module.
func (m *modules) count(module []byte) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.gets["/modules/"+harness.SHA256(module)+".wasm"]
}

// holdBack delays responses until release is called.
func (m *modules) holdBack() (release func()) {
	hold := make(chan struct{})
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hold = hold
	return func() { close(hold) }
}

// askToClose adds Connection: close to all later responses. The channel gets a value for each
// connection closed by Envoy.
func (m *modules) askToClose() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taken = make(chan struct{}, 100)
	return m.taken
}

// waitGET waits until n GETs of a module have finished.
func (m *modules) waitGET(module []byte, n int) {
	m.t.Helper()
	if !harness.Poll(m.t.Context(), func() bool { return m.count(module) >= n }) {
		m.t.Fatalf("Envoy has not fetched the module")
	}
}

// filter is a Wasm filter resource. Without a file or remote source the code is inline.
type filter struct {
	name    string // "": auth
	version string
	module  []byte

	file     string // path of the module's file
	remote   *modules
	nackMiss bool   // nack_on_code_cache_miss
	sha      string // "": the module's sha256
	query    string // of the remote URL
	nanos    int    // of the remote timeout

	salt    string // watched_directory.path of inline and file code
	policy  wasmv3.FailurePolicy
	vmID    string
	env     map[string]string
	vmCaps  *wasmv3.CapabilityRestrictionConfig // the field of Envoy 1.40 and later
	capsOld *wasmv3.CapabilityRestrictionConfig // the field of older Envoys
	network bool
	config  proto.Message // the plugin's configuration
}

func (f filter) resource(t *testing.T) resource {
	t.Helper()
	name := f.name
	if name == "" {
		name = "auth"
	}
	vm := &wasmv3.VmConfig{
		VmId: f.vmID, Runtime: "envoy.wasm.runtime.v8", Code: f.code(),
		NackOnCodeCacheMiss: f.nackMiss, CapabilityRestrictionConfig: f.vmCaps,
	}
	if f.env != nil {
		vm.EnvironmentVariables = &wasmv3.EnvironmentVariables{KeyValues: f.env}
	}
	plugin := &wasmv3.PluginConfig{
		Name: name, Vm: &wasmv3.PluginConfig_VmConfig{VmConfig: vm},
		FailurePolicy: f.policy, CapabilityRestrictionConfig: f.capsOld,
	}
	if f.config != nil {
		plugin.Configuration = pack(t, f.config)
	}
	var config proto.Message = &httpwasmv3.Wasm{Config: plugin}
	if f.network {
		config = &networkwasmv3.Wasm{Config: plugin}
	}
	return resource{name: name, version: f.version, message: &corev3.TypedExtensionConfig{
		Name: name, TypedConfig: pack(t, config),
	}}
}

func (f filter) code() *corev3.AsyncDataSource {
	if f.remote != nil {
		sha := f.sha
		if sha == "" {
			sha = harness.SHA256(f.module)
		}
		path := f.remote.put(f.module)
		return &corev3.AsyncDataSource{Specifier: &corev3.AsyncDataSource_Remote{Remote: &corev3.RemoteDataSource{
			Sha256: sha,
			HttpUri: &corev3.HttpUri{
				Uri:              "http://" + f.remote.address() + path + f.query,
				HttpUpstreamType: &corev3.HttpUri_Cluster{Cluster: "wasm_xds_modules"},
				Timeout:          durationpb.New(20*time.Second + time.Duration(f.nanos)),
			},
			RetryPolicy: &corev3.RetryPolicy{},
		}}}
	}
	local := &corev3.DataSource{Specifier: &corev3.DataSource_InlineBytes{InlineBytes: f.module}}
	if f.file != "" {
		local.Specifier = &corev3.DataSource_Filename{Filename: f.file}
	}
	if f.salt != "" {
		local.WatchedDirectory = &corev3.WatchedDirectory{Path: f.salt}
	}
	return &corev3.AsyncDataSource{Specifier: &corev3.AsyncDataSource_Local{Local: local}}
}

// good returns a module that stamps answers.
func good(stamp string) []byte { return testfilter.HTTP{Stamp: stamp}.Module() }

// refused returns a module with a proxy_on_configure that returns false.
func refused(stamp string) []byte {
	return testfilter.HTTP{Stamp: stamp, ConfigureFails: true}.Module()
}

// edge is an Envoy with a control plane, a module server and an upstream.
type edge struct {
	*harness.EnvoyProcess
	t         *testing.T
	bootstrap harness.Bootstrap
	xds       *xdsServer
	stopXDS   func()
	modules   *modules
	upstream  *harness.Upstream
	ports     map[string]int // by listener
}

// setup describes an edge. Each listener has the name of its first filter.
type setup struct {
	version string
	mode    harness.Mode // "": delta ECDS
	http    []string     // each is a listener with a single filter of the same name
	tcp     []string
	timeout string // initial_fetch_timeout
	mayDie  bool
	hot     bool // a hot restart is possible
	change  func(*harness.Bootstrap)
}

func start(t *testing.T, s setup) *edge {
	t.Helper()
	e := &edge{t: t, modules: startModules(t), upstream: harness.StartUpstream(t), ports: map[string]int{}}
	e.xds = &xdsServer{t: t, address: harness.Loopback(harness.FreePort(t))}
	e.stopXDS = e.xds.listen()
	if s.mode == "" {
		s.mode = harness.ECDSDelta
	}
	e.bootstrap = harness.Bootstrap{
		Mode: s.mode, XDSAddress: e.xds.address, ModulesAddress: e.modules.address(), InitialFetchTimeout: s.timeout,
		Upstreams: []string{e.upstream.Address()}, // for listeners from LDS
	}
	for _, name := range s.http {
		e.ports[name] = harness.FreePort(t)
		e.bootstrap.HTTP = append(e.bootstrap.HTTP, harness.HTTPListener{
			Name: name, Port: e.ports[name], Filters: harness.Filters(name), Upstream: e.upstream.Address(),
		})
	}
	for _, name := range s.tcp {
		e.ports[name] = harness.FreePort(t)
		e.bootstrap.TCP = append(e.bootstrap.TCP, harness.TCPListener{
			Name: name, Port: e.ports[name], Filters: harness.Filters(name), Upstream: harness.StartTCPEcho(t),
		})
	}
	if s.change != nil {
		s.change(&e.bootstrap)
	}
	e.EnvoyProcess = harness.StartEnvoy(t, harness.EnvoyOptions{
		Version: s.version, Bootstrap: e.bootstrap.YAML(t), MayDie: s.mayDie, HotRestart: s.hot,
		// Removed listeners close at once.
		ExtraArgs: []string{"--drain-time-s", "1", "--drain-strategy", "immediate"},
	})
	return e
}

// warm starts an Envoy, loads module v1 inline into the filter auth, and returns the filter's
// stream.
func warm(t *testing.T, s setup) (*edge, *stream) {
	t.Helper()
	if s.http == nil {
		s.http = []string{"auth"}
	}
	e := start(t, s)
	st := e.xds.stream("auth")
	st.ack(filter{version: "1", module: good("v1")}.resource(t))
	e.wantStamp("auth", "v1")
	return e, st
}

func (e *edge) get(listener string) harness.Answer {
	e.t.Helper()
	e.WaitListening(e.ports[listener])
	return harness.Get(e.t, harness.Loopback(e.ports[listener]), nil)
}

// wantStamp waits for the upstream's answer with a filter's stamp; "" means no stamp. The wait is
// necessary because Envoy sends the ACK before the workers have the new plugin. The old plugin
// may handle a request right after the ACK.
func (e *edge) wantStamp(listener, stamp string) {
	e.t.Helper()
	e.want(listener, fmt.Sprintf("200 with stamp %q", stamp), func(a harness.Answer) bool {
		return a.Status == http.StatusOK && a.Stamp() == stamp
	})
}

// keepsStamp expects a row of answers to have a stamp.
func (e *edge) keepsStamp(listener, stamp string) {
	e.t.Helper()
	e.keepsHeader(listener, harness.StampHeader, stamp)
}

// keepsHeader expects a row of answers to be 200 with a header. The row is long enough for the
// workers to apply the main thread's update.
func (e *edge) keepsHeader(listener, header, value string) {
	e.t.Helper()
	settled(e.EnvoyProcess)
	for range 20 {
		if a := e.get(listener); a.Status != http.StatusOK || a.Header.Get(header) != value {
			e.t.Fatalf("listener %s answers %d with %v, not 200 with %s: %s", listener, a.Status, a.Header, header, value)
		}
	}
}

// wantStatus waits for an answer with a status.
func (e *edge) wantStatus(listener string, status int) {
	e.t.Helper()
	e.want(listener, strconv.Itoa(status), func(a harness.Answer) bool { return a.Status == status })
}

// wantHeader waits for an answer with a header.
func (e *edge) wantHeader(listener, header, value string) {
	e.t.Helper()
	e.want(listener, header+": "+value, func(a harness.Answer) bool { return a.Header.Get(header) == value })
}

func (e *edge) want(listener, what string, wanted func(harness.Answer) bool) {
	e.t.Helper()
	var last harness.Answer
	ok := harness.Poll(e.t.Context(), func() bool {
		last = e.get(listener)
		return wanted(last)
	})
	if !ok {
		e.t.Fatalf("listener %s answers %d with %v, not %s", listener, last.Status, last.Header, what)
	}
}

// vms returns the number of VMs created by Envoy.
func (e *edge) vms() int64 {
	e.t.Helper()
	return e.Stat("wasm.envoy.wasm.runtime.v8.created")
}

// on runs a test on each of the Envoy versions.
func on(t *testing.T, versions []string, test func(t *testing.T, version string)) {
	t.Helper()
	for _, version := range versions {
		t.Run(fmt.Sprint("envoy ", version), func(t *testing.T) {
			t.Parallel()
			test(t, version)
		})
	}
}

// The Envoy versions of a fact: the newest, the newest and the oldest, or all.
var (
	newest = []string{"1.40.0"}
	both   = []string{"1.40.0", "1.36.4"}
	every  = []string{"1.40.0", "1.39.3", "1.37.0", "1.36.4"}
)
