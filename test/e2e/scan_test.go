package e2e_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// ports are the ports of a server that is scanned.
type ports struct {
	xds, modules, admin string // host:port
	tls                 *tls.Config
	token               string // with the role read; "": requests need none
	module              string // the path of a module that is served
}

// reply is an answer in HTTP/1. The zero value is none: the server has closed the connection.
type reply struct {
	status int
	header http.Header
	body   string
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

// startScanned starts a server whose ports speak TLS, and whose admin port wants tokens.
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

// talk sends bytes and reads the answer. It closes the connection.
func talk(t *testing.T, conn net.Conn, text string) reply {
	t.Helper()
	defer conn.Close()
	_, _ = io.WriteString(conn, text) // the server may close it before the end
	raw := bufio.NewReader(conn)
	begin, err := raw.Peek(5)
	if err != nil || string(begin) != "HTTP/" {
		return reply{}
	}
	method, _, _ := strings.Cut(text, " ")
	res, err := http.ReadResponse(raw, &http.Request{Method: method})
	if err != nil {
		return reply{} // a reset, after an answer that came before the end of the request
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		_ = conn.Close() // the body has no end
		return reply{res.StatusCode, res.Header, ""}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		t.Logf("%.100q: %v", text, err)
	}
	return reply{res.StatusCode, res.Header, string(body)}
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
		may := is && (method != "POST" || path == "/api/v1/sync") && (p.token == "" || authorization != "" || free)
		where := fmt.Sprintf("%s %.60s (%q)", method, path, authorization)
		if may != (r.status >= 200 && r.status < 300) {
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

// refusesOtherProtocols sends an HTTP/1 port everything that is none of its requests.
func (p ports) refusesOtherProtocols(t *testing.T, address string) {
	host := "Host: localhost\r\n"
	for name, text := range map[string]string{
		"HTTP/0.9":              "GET /\r\n",
		"HTTP/2 without TLS":    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
		"an upgrade to HTTP/2":  "GET /nothing HTTP/1.1\r\n" + host + "Connection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
		"a WebSocket":           "GET /api/v1/events HTTP/1.1\r\n" + host + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://evil.example\r\n\r\n",
		"OPTIONS of everything": "OPTIONS * HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n",
		"a proxy":               "GET http://169.254.169.254/latest HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n\r\n",
		"a tunnel":              "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\nConnection: close\r\n\r\n",
		"no host":               "GET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n",
		"two lengths":           "POST /nothing HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"length and chunks":     "POST /nothing HTTP/1.1\r\n" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
		"an unknown version":    "GET / HTTP/3.7\r\n" + host + "\r\n",
		"a large header":        "GET / HTTP/1.1\r\n" + host + "X-Large: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
		"zeros":                 strings.Repeat("\x00", 100) + "\r\n\r\n",
		"a script in a header":  "GET /nothing HTTP/1.1\r\n" + host + "<script>: x\r\n\r\n",
	} {
		conn, err := p.dial(address)
		if err != nil {
			t.Fatal(err)
		}
		r := talk(t, conn, text)
		events := name == "a WebSocket" && r.status == http.StatusOK && r.header.Get("Upgrade") == "" && r.header.Get("Content-Type") == "text/event-stream"
		if r.status != 0 && r.status < 400 && !(events && p.token == "") {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
		if !events {
			r.isHarmless(t, name)
		}
	}
	if p.tls != nil { // plain text to a port with TLS
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if r := p.get(t, conn, "GET", "/", ""); r.status != 0 && r.status != http.StatusBadRequest {
			t.Errorf("without TLS: %d %s", r.status, r.body)
		}
	}
}

var stackTrace = regexp.MustCompile(`goroutine \d|\.go:\d|panic`)

// isHarmless says what no answer does: name the server's software, show a stack, move a client to
// another place, or give back a request in a form that a browser would run.
func (r reply) isHarmless(t *testing.T, where string) {
	t.Helper()
	if r.status == 0 {
		return
	}
	for _, name := range []string{"Server", "X-Powered-By", "Location", "Set-Cookie", "Access-Control-Allow-Origin"} {
		if r.header.Get(name) != "" {
			t.Errorf("%s: %s: %s", where, name, r.header.Get(name))
		}
	}
	kind := r.header.Get("Content-Type")
	byGo := strings.HasPrefix(r.body, fmt.Sprint(r.status, " ")) && strings.HasPrefix(kind, "text/plain") // net/http itself, of a request that it cannot read
	if len(r.body) > 0 && !byGo && r.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s: the browser may guess the type of %s %.100s", where, kind, r.body)
	}
	if r.status >= 300 && !strings.HasPrefix(kind, "application/json") && strings.Contains(r.body, "scan-canary") {
		t.Errorf("%s: the answer gives the request back as %s: %.200s", where, kind, r.body)
	}
	if stackTrace.MatchString(r.body) && r.status >= 300 {
		t.Errorf("%s: %.300s", where, r.body)
	}
}

func methods() []string {
	return []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "X-SCAN"}
}

// wellKnownPaths are the paths that scanners ask for.
func wellKnownPaths() []string {
	return []string{
		"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/vars", "/debug/requests", "/debug/events", "/debug/fgprof",
		"/admin", "/config", "/config_dump", "/env", "/actuator/health", "/server-status", "/status", "/stats", "/metrics/", "/health", "/healthz/", "/ready", "/livez",
		"/.git/config", "/.env", "/robots.txt", "/favicon.ico", "/index.html", "/swagger.json", "/openapi.json", "/api", "/api/", "/api/v1/", "/api/v2", "/api/v1/tokens",
		"/api/v1/state", "/api/v1/config", "/quitquitquit", "/shutdown", "/login", "/graphql", "/v3/discovery:extension_configs", "/state.json", "/modules/",
	}
}

// oddPaths are spellings that a server may take for another path.
func oddPaths() []string {
	return []string{
		"/../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/./healthz", "/api/v1/../../healthz", "/api//v1/filters",
		"//scan-canary.example/%2e%2e", "/scan-canary<script>alert(1)</script>", "/%00", "/%0d%0aSet-Cookie:%20scan-canary=1", "/api/v1/filters/..", "/HEALTHZ", "/metrics%20",
		"/api/v1/filters/%2e%2e%2f%2e%2e%2fhealthz", `/\..\..\etc\passwd`, "/api/v1/filters/scan-canary%3Cscript%3E", "/healthz;jsessionid=1", "/" + strings.Repeat("a", 8000),
	}
}

// documentedEndpoints are the endpoints of docs/api.md with a path that needs no name, and those of
// docs/openapi.json, as `METHOD /path`. Both list the API.
func documentedEndpoints(t *testing.T) (all []string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(program.Repository(), "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z]+ /[^`]*)` \\|").FindAllSubmatch(page, -1) {
		all = append(all, string(row[1]))
	}
	all = append(all, "GET /api/v1/") // the same as without the slash
	text, err := os.ReadFile(filepath.Join(program.Repository(), "docs", "openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	for path, byMethod := range document.Paths {
		for method := range byMethod {
			if one := strings.ToUpper(method) + " " + path; !slices.Contains(all, one) {
				t.Errorf("docs/api.md does not list %s", one)
			}
		}
	}
	for i, one := range all {
		all[i] = strings.ReplaceAll(one, "{name}", auth)
	}
	return all
}

func pathsOf(endpoints []string) (all []string) {
	for _, one := range endpoints {
		if _, path, _ := strings.Cut(one, " "); !slices.Contains(all, path) {
			all = append(all, path)
		}
	}
	return all
}

// pathsOfSource are the texts of the API's source that are paths: an endpoint that the
// documentation does not list is one of them.
func pathsOfSource(t *testing.T) (all []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(program.Repository(), "internal", "admin", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile("(apiRoot *\\+ *)?\"(?:[A-Z]+ )?(/?[a-z0-9_./-]+)\"").FindAllSubmatch(text, -1) {
			path := string(found[2])
			if len(found[1]) > 0 {
				path = "/api/v1/" + path
			}
			if strings.HasPrefix(path, "/") && !slices.Contains(all, path) {
				all = append(all, path)
			}
		}
	}
	if !slices.Contains(all, "/api/v1/limits") || !slices.Contains(all, "/metrics") {
		t.Errorf("the source does not even have the known paths: %q", all)
	}
	return all
}
