// Package adopt_test adopts bootstraps as operators have them, and compares real Envoys before and
// after.
package adopt_test

import (
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/wasm-xds/wasm-xds/internal/test/bootstraps"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The ports in the bootstraps.
const (
	webPort = iota + 10000
	echoPort
	grpcPort
	httpsPort
	healthPort
	privatePort

	appPort     = 18080
	filesPort   = 18081
	tcpPort     = 18090
	backendPort = 18091
	meshPort    = 18500
)

// world is the surroundings of the Envoy of a bootstrap.
type world struct {
	t     *testing.T
	dir   string         // stands for /etc/envoy
	ports map[int]string // the ports in the bootstraps, and their stand-ins here
	ca    *pki.CA
	app   *harness.Upstream
}

// newWorld starts upstreams, reserves the listeners' ports, and writes the files of a bootstrap.
func newWorld(t *testing.T, bootstrap string) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), ports: map[int]string{}, ca: pki.NewCA(t, "tls"), app: harness.StartUpstream(t)}
	for port := webPort; port <= privatePort; port++ {
		w.ports[port] = strconv.Itoa(harness.FreePort(t))
	}
	w.at(appPort, w.app.Address())
	w.at(filesPort, w.startFiles())
	w.at(tcpPort, harness.StartTCPEcho(t))
	w.at(backendPort, startGRPC(t))
	w.ca.Issue(t, pki.Request{DNS: []string{"shop.example.com", "other.example.com"}}).WriteFiles(t, w.dir)
	harness.WriteFile(t, filepath.Join(w.dir, "tokens.wasm"), tokensModule())
	harness.WriteFile(t, filepath.Join(w.dir, "reloads.wasm"), reloadsModule())
	if bootstrap == "other-ads.yaml" {
		w.at(meshPort, startMesh(t, w.app.Address()))
	}
	for name, text := range bootstraps.Parts(bootstrap) {
		harness.WriteFile(t, filepath.Join(w.dir, name), []byte(w.adapt(text)))
	}
	return w
}

func (w *world) at(port int, address string) {
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.ports[port] = text
}

// address is where a listener of the bootstraps listens here.
func (w *world) address(port int) string { return net.JoinHostPort("127.0.0.1", w.ports[port]) }

var portIn = regexp.MustCompile(`("?port_value"?: |http://127\.0\.0\.1:)(\d+)`)

// adapt puts the ports, files and modules of this world into a text.
func (w *world) adapt(text string) string {
	text = portIn.ReplaceAllStringFunc(text, func(match string) string {
		parts := portIn.FindStringSubmatch(match)
		port, err := strconv.Atoi(parts[2])
		if err != nil || w.ports[port] == "" {
			return match
		}
		return parts[1] + w.ports[port]
	})
	return strings.NewReplacer(
		"/etc/envoy/", w.dir+"/",
		strings.Repeat("0", 64), harness.SHA256(stampModule()),
		"AGFzbQEAAAA=", base64.StdEncoding.EncodeToString(tcpModule()),
	).Replace(text)
}

// The modules of the static Wasm filters.
func tokensModule() []byte {
	return testfilter.HTTP{Stamp: "tokens", RequireToken: true, EchoConfig: true, EchoEnv: "STAMP"}.Module()
}

func stampModule() []byte {
	return testfilter.HTTP{Stamp: "stamp", StampHeader: "x-stamp"}.Module()
}

func reloadsModule() []byte {
	return testfilter.HTTP{Stamp: "reloads", StampHeader: "x-reloads"}.Module()
}

func tcpModule() []byte { return testfilter.Network{Stamp: "tcp"}.Module() }

// authModule is the tests' filter: it refuses requests without a token.
func authModule() []byte { return testfilter.HTTP{Stamp: "auth", RequireToken: true}.Module() }

// startFiles starts the second service of the front proxy, which has the module stamp.wasm, too.
func (w *world) startFiles() string {
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stamp.wasm" {
			_, _ = out.Write(stampModule())
			return
		}
		_, _ = io.WriteString(out, "the second service\n")
	}))
	w.t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.Listener.Addr().String()
}

// startGRPC starts a gRPC server with the standard health service.
func startGRPC(t *testing.T) string {
	t.Helper()
	server := grpc.NewServer()
	service := health.NewServer()
	service.SetServingStatus("app", healthv1.HealthCheckResponse_SERVING)
	healthv1.RegisterHealthServer(server, service)
	return serveGRPC(t, server)
}

func serveGRPC(t *testing.T, server *grpc.Server) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		<-ended
	})
	return listener.Addr().String()
}

// write writes a bootstrap of this world and returns its path.
func (w *world) write(name string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	harness.WriteFile(w.t, path, []byte(w.adapt(bootstraps.Good()[name])))
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
