package e2e_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
)

// ports are the ports of a server that is scanned.
type ports struct {
	xds, modules, admin string // host:port
	tls                 *tls.Config
	token               string // with the role read; "": requests need none
	module              string // the path of a module that is served
}

// TestNothingElseAnswers scans all ports: each path that the documentation does not name, each
// method that it does not name, and each other protocol is refused.
func TestNothingElseAnswers(t *testing.T) {
	s := newScenario(t)
	s.write(auth, authModule("v1"), "")
	s.cp.Start()
	module := "/modules/" + harness.SHA256(authModule("v1")) + ".wasm"
	s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return f.State == harness.Active })
	t.Run("plain", func(t *testing.T) {
		ports{xds: s.cp.XDSAddress(), modules: s.cp.ModulesAddress(), admin: strings.TrimPrefix(s.cp.AdminURL(), "http://"), module: module}.scan(t)
	})
	t.Run("tls and tokens", func(t *testing.T) { startScanned(t, module).scan(t) })
}

// startScanned starts a server with TLS on its ports, and with tokens for its admin port.
func startScanned(t *testing.T, module string) ports {
	t.Helper()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	ca := pki.NewCA(t, "servers")
	ca.Issue(t, pki.Request{}).WriteFiles(t, dir)
	p := ports{token: readCanary, module: module, tls: &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"}}
	pki.WriteFile(t, file("tokens"), []byte("read ci "+p.token+"\n"))
	for _, port := range []*string{&p.xds, &p.modules, &p.admin} {
		*port = harness.Loopback(harness.FreePort(t))
	}
	specs := file("filters")
	if err := os.Mkdir(specs, 0o700); err != nil {
		t.Fatal(err)
	}
	harness.WriteFilter(t, specs, auth, authModule("v1"), "")
	cmd := exec.Command(harness.BuildBinary(t), "serve", specs, "--state-dir", file("state"), "--xds-address", p.xds, "--modules-address", p.modules,
		"--admin-address", p.admin, "--tls-cert-file", file("tls.crt"), "--tls-key-file", file("tls.key"), "--admin-tls-cert-file", file("tls.crt"),
		"--admin-tls-key-file", file("tls.key"), "--admin-token-file", file("tokens"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	served := func() bool {
		conn, err := p.dial(p.modules)
		return err == nil && p.get(t, conn, "GET", module, "").status == http.StatusOK
	}
	if !harness.Poll(t.Context(), served) {
		t.Fatal("the server does not serve")
	}
	return p
}

func (p ports) dial(address string) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", address, harness.Deadline)
	if err == nil && p.tls != nil {
		conn = tls.Client(conn, p.tls)
	}
	if err == nil {
		err = conn.SetDeadline(time.Now().Add(harness.Deadline))
	}
	return conn, err
}

// get sends a request in HTTP/1.1, on a connection that it closes.
func (p ports) get(t *testing.T, conn net.Conn, method, path, headers string) reply {
	t.Helper()
	return talk(t, conn, fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n", method, path, headers))
}

func (p ports) scan(t *testing.T) {
	t.Run("admin", p.scanAdmin)
	t.Run("modules", p.scanModules)
	t.Run("xds", p.scanXDS)
}

// authorization is the header with the token.
func (p ports) authorization() string {
	if p.token == "" {
		return ""
	}
	return "Authorization: Bearer " + p.token + "\r\n"
}

// scanAdmin holds the admin port against the documentation: the page on the API, and the OpenAPI
// document.
func (p ports) scanAdmin(t *testing.T) {
	documented := documentedEndpoints(t)
	each := atATime(t)
	for _, path := range pathsOf(documented) {
		for _, method := range methods() {
			each(func() { p.ask(t, documented, method, path) })
		}
	}
	for i, path := range slices.Concat(wellKnownPaths(), oddPaths(), pathsOfSource(t)) {
		for _, method := range []string{"GET", "POST", methods()[i%len(methods())]} {
			each(func() { p.ask(t, documented, method, path) })
		}
	}
	each(nil)
	p.refusesOtherProtocols(t, p.admin)
}

// atATime returns a function that runs functions, some at a time. With nil, it waits for all of
// them.
func atATime(t *testing.T) func(func()) {
	const some = 8
	var all sync.WaitGroup
	t.Cleanup(all.Wait)
	places := make(chan struct{}, some)
	return func(f func()) {
		if f == nil {
			all.Wait()
			return
		}
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			f()
		})
	}
}

// ask asks the admin port without a token, and with one where it wants tokens. The documented paths
// answer, and no other ones.
func (p ports) ask(t *testing.T, documented []string, method, path string) {
	t.Helper()
	is := slices.Contains(documented, method+" "+path) || method == "HEAD" && slices.Contains(documented, "GET "+path)
	free := slices.Contains([]string{"/", "/healthz", "/readyz"}, path)
	for _, authorization := range slices.Compact([]string{"", p.authorization()}) {
		conn, err := p.dial(p.admin)
		if err != nil {
			t.Error(err)
			return
		}
		r := p.get(t, conn, method, path, authorization)
		// A POST without the content type of JSON changes nothing. A sync changes nothing at all.
		// The token may only read, and so may not thaw the server.
		may := is && (method != "POST" || path == "/api/v1/sync") && (method != "DELETE" || p.token == "") &&
			(p.token == "" || authorization != "" || free)
		where := fmt.Sprintf("%s %.60s (%q)", method, path, authorization)
		// A filter with a single revision has no difference, and a server that is not frozen is not
		// thawed.
		answered := r.status >= 200 && r.status < 300 || r.status == http.StatusConflict
		if may != answered {
			t.Errorf("%s: %d %.200s", where, r.status, r.body)
		}
		r.isHarmless(t, where)
	}
}

// scanModules expects the modules, and nothing beside them.
func (p ports) scanModules(t *testing.T) {
	each := atATime(t)
	for _, path := range slices.Concat(wellKnownPaths(), oddPaths(), []string{
		p.module, p.module + "/", "/modules/", "/modules", strings.ToUpper(p.module), strings.Replace(p.module, "/modules/", "/modules//", 1),
		strings.TrimSuffix(p.module, ".wasm"), "/modules/" + strings.Repeat("0", 64) + ".wasm", "/modules/../state.json", "/modules/%2e%2e/state.json",
		"/modules/..%2fstate.json",
	}) {
		for _, method := range []string{"GET", "HEAD", "POST", "TRACE"} {
			each(func() { p.askForModule(t, method, path) })
		}
	}
	each(nil)
	p.refusesOtherProtocols(t, p.modules)
}

func (p ports) askForModule(t *testing.T, method, path string) {
	t.Helper()
	conn, err := p.dial(p.modules)
	if err != nil {
		t.Error(err)
		return
	}
	r := p.get(t, conn, method, path, "")
	if path == p.module && (method == "GET" || method == "HEAD") {
		if r.status != http.StatusOK {
			t.Errorf("%s: %d", method, r.status)
		}
		return
	}
	if r.status != 0 && r.status < 400 {
		t.Errorf("%s %.60s: %d %.100s", method, path, r.status, r.body)
	}
	r.isHarmless(t, method+" "+path)
}

// scanXDS expects the services of the discovery of extension configs, and nothing in HTTP/1.
func (p ports) scanXDS(t *testing.T) {
	for _, method := range methods() {
		for _, path := range []string{"/", "/healthz", "/metrics", "/debug/pprof/"} {
			conn, err := p.dial(p.xds)
			if err != nil {
				t.Fatal(err)
			}
			if r := p.get(t, conn, method, path, ""); r.status != 0 {
				t.Errorf("%s %s: %d", method, path, r.status)
			}
		}
	}
	secure := insecure.NewCredentials()
	if p.tls != nil {
		secure = credentials.NewTLS(p.tls)
	}
	conn, err := grpc.NewClient("passthrough:///"+p.xds, grpc.WithTransportCredentials(secure))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, method := range []string{
		"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
		"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "/grpc.channelz.v1.Channelz/GetServers",
		"/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus", "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats",
		"/envoy.service.secret.v3.SecretDiscoveryService/FetchSecrets", "/envoy.service.listener.v3.ListenerDiscoveryService/FetchListeners",
		"/envoy.service.extension.v3.ExtensionConfigDiscoveryService/FetchExtensionConfigs", "/envoy.service.extension.v3.ExtensionConfigDiscoveryService/",
		"/envoy.service.discovery.v3.AggregatedDiscoveryService/Other", "/", "//", "/debug/pprof", "/../../etc/passwd",
	} {
		err := conn.Invoke(t.Context(), method, &emptypb.Empty{}, &emptypb.Empty{})
		if code := status.Code(err); code != codes.Unimplemented && code != codes.InvalidArgument {
			t.Errorf("%s: %v", method, err)
		}
		if stackTrace.MatchString(fmt.Sprint(err)) {
			t.Errorf("%s: %v", method, err)
		}
	}
}
