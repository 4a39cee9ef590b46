package dial_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/doctor/dial"
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/internal/moduleserver"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
	"github.com/wasm-xds/wasm-xds/internal/tlsserver"
	"github.com/wasm-xds/wasm-xds/internal/xds"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// silent fails the test if delivery hears of a client.
type silent struct{ t *testing.T }

func (s silent) Handle(_ context.Context, e delivery.Event) bool {
	s.t.Errorf("delivery hears of %T", e)
	return true
}

func (silent) Knows(string) bool { return true }

func (s silent) Begin(_ context.Context, events ...delivery.Event) bool {
	s.t.Errorf("delivery hears of %v", events)
	return true
}

type noEvents struct{}

func (noEvents) FetchStarted(string, string)                    {}
func (noEvents) FetchFinished(string, string, moduleserver.End) {}
func (noEvents) Answered(int, int64)                            {}

// servers are the ports of a control plane. tls is nil for plain text.
func servers(t *testing.T, material *tlsserver.Server) (xdsAddress, modulesAddress string) {
	t.Helper()
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	streams := xds.NewServer(t.Context(), silent{t}, nil, xds.Limits{}, zap.NewNop())
	streams.ReportForeign(func(f xds.Foreign) { t.Errorf("reported: %+v", f) })
	options := append(xds.GRPCOptions(xds.Limits{}), streams.Unknown())
	modules := moduleserver.NewServer(moduleserver.Handler(nil, moduleserver.Served(func(string) bool { return false }), noEvents{}, zap.NewNop()), zap.NewNop())
	if material != nil {
		options = append(options, grpc.Creds(material.GRPC("xds", func(net.Addr, error) {})))
		modules.TLSConfig = material.Config("http/1.1")
	}
	g := grpc.NewServer(options...)
	streams.Register(g)
	a, b := listen(), listen()
	ended := make(chan error, 2)
	go func() { ended <- g.Serve(a) }()
	go func() {
		if material != nil {
			ended <- modules.ServeTLS(b, "", "")
		} else {
			ended <- modules.Serve(b)
		}
	}()
	t.Cleanup(func() {
		g.Stop()
		_ = modules.Close()
		streams.Stop()
		<-ended
		<-ended
	})
	return a.Addr().String(), b.Addr().String()
}

type source struct{ m *tlsserver.Material }

func (s source) Material() *tlsserver.Material { return s.m }

// files are the certificates of a test.
type files struct{ dir string }

func (f files) path(name string) string { return filepath.Join(f.dir, name) }

// mutual is a server of TLS with a demand for certificates, with the files for clients.
func mutual(t *testing.T) (*tlsserver.Server, files) {
	t.Helper()
	f := files{t.TempDir()}
	serversCA, clientsCA := pki.NewCA(t, "servers"), pki.NewCA(t, "clients")
	pki.WriteFile(t, f.path("ca.crt"), serversCA.PEM())
	pki.WriteFile(t, f.path("other.crt"), clientsCA.PEM())
	pair := clientsCA.Issue(t, pki.Request{})
	pki.WriteFile(t, f.path("tls.crt"), pair.Cert)
	pki.WriteFile(t, f.path("tls.key"), pair.Key)
	pki.WriteFile(t, f.path("sds.yaml"), []byte(fmt.Sprintf("resources:\n- name: own\n  tls_certificate: {certificate_chain: {filename: %s}, private_key: {filename: %s}}\n"+
		"- name: ca\n  validation_context: {trusted_ca: {filename: %s}}\n", f.path("tls.crt"), f.path("tls.key"), f.path("ca.crt"))))
	m, err := tlsserver.NewMaterial(serversCA.Issue(t, pki.Request{}).TLS(t))
	if err != nil {
		t.Fatal(err)
	}
	m.ClientCAs = clientsCA.Pool()
	return tlsserver.New(source{m}), f
}

// bootstrap has the two clusters. socket is the common_tls_context; "": plain text.
func bootstrap(t *testing.T, xdsAddress, modulesAddress, socket string) *envoyconfig.Config {
	t.Helper()
	text := "node: {id: edge, cluster: c, metadata: {a: b}}\nstatic_resources:\n  clusters:\n"
	for name, address := range map[string]string{"xds": xdsAddress, "modules": modulesAddress} {
		host, port, _ := strings.Cut(address, ":")
		text += "  - name: " + name + "\n    load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: " + host + ", port_value: " + port + "}}}}]}]}\n"
		if socket != "" {
			text += "    transport_socket: {name: tls, typed_config: {\"@type\": a/" + envoyconfig.TypeTLS + ", sni: localhost, common_tls_context: " + socket + "}}\n"
		}
	}
	c, problem := envoyconfig.Read("envoy.yaml", func(string) ([]byte, *spec.Error) { return []byte(text), nil })
	if problem != nil {
		t.Fatal(problem)
	}
	return c
}

func read(path string) ([]byte, *spec.Error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, &spec.Error{Message: err.Error()}
	}
	return text, nil
}

// reach returns the codes of the findings, sorted.
func reach(t *testing.T, c *envoyconfig.Config) []string {
	t.Helper()
	var codes []string
	for _, f := range dial.Reach(t.Context(), dial.Ask{Config: c, XDS: []string{"xds"}, Modules: "modules", Open: read}) {
		if f.Line == 0 || f.Hint == "" || f.Message == "" {
			t.Errorf("incomplete: %+v", f)
		}
		t.Log(f.Message)
		codes = append(codes, f.Code)
	}
	slices.Sort(codes)
	return codes
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

func TestPlainText(t *testing.T) {
	x, m := servers(t, nil)
	expect(t, reach(t, bootstrap(t, x, m, "")))
	expect(t, reach(t, bootstrap(t, m, x, "")), "not_modules", "not_xds")
	expect(t, reach(t, bootstrap(t, x, m, "{}")), "server_has_no_tls", "server_has_no_tls")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	_ = l.Close()
	expect(t, reach(t, bootstrap(t, closed, m, "")), "unreachable")
}

func TestMutualTLS(t *testing.T) {
	material, f := mutual(t)
	x, m := servers(t, material)
	pair := fmt.Sprintf("tls_certificates: [{certificate_chain: {filename: %s}, private_key: {filename: %s}}]", f.path("tls.crt"), f.path("tls.key"))
	ca := fmt.Sprintf("validation_context: {trusted_ca: {filename: %s}", f.path("ca.crt"))
	sds := "sds_config: {path_config_source: {path: " + f.path("sds.yaml") + "}}"
	for name, tt := range map[string]struct {
		socket string
		want   []string
	}{
		"files":          {"{" + pair + ", " + ca + "}}", nil},
		"trusts all":     {"{" + pair + "}", nil},
		"SDS":            {"{tls_certificate_sds_secret_configs: [{name: own, " + sds + "}], combined_validation_context: {default_validation_context: {match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: localhost}}]}, validation_context_sds_secret_config: {name: ca, " + sds + "}}}", nil},
		"no certificate": {"{" + ca + "}}", []string{"client_refused", "client_refused"}},
		"another CA":     {"{" + pair + ", validation_context: {trusted_ca: {filename: " + f.path("other.crt") + "}}}", []string{"server_not_trusted", "server_not_trusted"}},
		"another name":   {"{" + pair + ", " + ca + ", match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: control}}]}}", []string{"server_not_trusted", "server_not_trusted"}},
		"a missing file": {"{" + pair + ", validation_context: {trusted_ca: {filename: /missing}}}", []string{"tls_unread", "tls_unread"}},
		"an agent":       {"{tls_certificate_sds_secret_configs: [{name: own, sds_config: {api_config_source: {}}}]}", []string{"tls_unread", "tls_unread"}},
		"plain text":     {"", []string{"server_has_tls", "server_has_tls"}},
	} {
		t.Run(name, func(t *testing.T) { expect(t, reach(t, bootstrap(t, x, m, tt.socket)), tt.want...) })
	}
}

// Other servers are recognised.
func TestOtherServers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	ended := make(chan error, 2)
	go func() { ended <- g.Serve(l) }()
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.RedirectHandler("/", http.StatusFound)}
	go func() { ended <- server.Serve(web) }()
	t.Cleanup(func() {
		g.Stop()
		_ = server.Close()
		<-ended
		<-ended
	})
	expect(t, reach(t, bootstrap(t, l.Addr().String(), web.Addr().String(), "")), "not_modules", "not_wasm_xds")
	expect(t, reach(t, bootstrap(t, web.Addr().String(), web.Addr().String(), "")), "not_modules", "not_xds")
}
