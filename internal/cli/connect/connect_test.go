package connect_test

import (
	"context"
	"crypto/tls"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/connect"
	"github.com/wasm-xds/wasm-xds/internal/test/apitest"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
	"github.com/wasm-xds/wasm-xds/internal/tlsfiles"
	"github.com/wasm-xds/wasm-xds/internal/tlsserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask asks a server for its filters, as a command with these arguments does.
func ask(ctx context.Context, args ...string) error {
	c := &cobra.Command{Use: "status"}
	connect.AddFlags(c)
	if err := c.ParseFlags(args); err != nil {
		return err
	}
	if err := command.ReadEnvironment(c); err != nil {
		return err
	}
	server, err := connect.Client(c)
	if err != nil {
		return err
	}
	_, err = server.Filters(ctx)
	return err
}

// mutual is a server of the API with a demand for certificates of clients.
type mutual struct {
	dir              string
	servers, clients *pki.CA
	address          string
}

func (m mutual) path(name string) string { return filepath.Join(m.dir, name) }

func startMutual(t *testing.T) mutual {
	t.Helper()
	m := mutual{dir: t.TempDir(), servers: pki.NewCA(t, "servers"), clients: pki.NewCA(t, "clients")}
	pki.WriteFile(t, m.path("servers.crt"), m.servers.PEM())
	pki.WriteFile(t, m.path("clients.crt"), m.clients.PEM())
	pki.WriteFile(t, m.path("empty.crt"), []byte("# nothing\n"))
	for name, pair := range map[string]pki.Pair{
		"server": m.servers.Issue(t, pki.Request{}), "client": m.clients.Issue(t, pki.Request{}), "other": m.servers.Issue(t, pki.Request{}),
	} {
		pki.WriteFile(t, m.path(name+".pem"), pair.Cert)
		pki.WriteFile(t, m.path(name+".key"), pair.Key)
	}
	files, err := tlsfiles.Open(tlsfiles.Config{CertFile: m.path("server.pem"), KeyFile: m.path("server.key"), ClientCAFile: m.path("clients.crt")})
	if err != nil {
		t.Fatal(err)
	}
	server := apitest.StartOn(t, func(l net.Listener) net.Listener { return tls.NewListener(l, tlsserver.New(files).Config("http/1.1")) },
		apitest.LiveFilter("auth"))
	m.address = server.Address
	return m
}

func TestMutualTLS(t *testing.T) {
	m := startMutual(t)
	ca, pair := []string{"--admin-ca-file", m.path("servers.crt")}, []string{"--admin-cert-file", m.path("client.pem"), "--admin-key-file", m.path("client.key")}
	for name, tt := range map[string]struct {
		address string
		args    []string
		want    string // in the error; "": the server answers
	}{
		"https":                     {"https://" + m.address, append(ca, pair...), ""},
		"the files ask for https":   {m.address, append(ca, pair...), ""},
		"no CA":                     {"https://" + m.address, pair, "--admin-ca-file"},
		"another CA":                {"https://" + m.address, append([]string{"--admin-ca-file", m.path("clients.crt")}, pair...), "--admin-ca-file"},
		"no certificate":            {"https://" + m.address, ca, "--admin-cert-file"},
		"a certificate of another":  {"https://" + m.address, append([]string{"--admin-cert-file", m.path("other.pem"), "--admin-key-file", m.path("other.key")}, ca...), "--admin-cert-file"},
		"without TLS":               {m.address, nil, "write https://"},
		"a certificate without key": {"https://" + m.address, append([]string{"--admin-cert-file", m.path("client.pem")}, ca...), "need each other"},
		"an empty CA":               {"https://" + m.address, []string{"--admin-ca-file", m.path("empty.crt")}, "has no certificate in PEM form"},
		"a missing CA":              {"https://" + m.address, []string{"--admin-ca-file", m.path("missing")}, "no such file"},
		"another key":               {"https://" + m.address, append([]string{"--admin-cert-file", m.path("client.pem"), "--admin-key-file", m.path("other.key")}, ca...), "cannot be used"},
		"http with a CA":            {"http://" + m.address, ca, "are for https"},
		"a path":                    {"https://" + m.address + "/api", nil, "more than a host and a port"},
		"a password":                {"https://a:b@" + m.address, nil, "a user or a password"},
		"a wrong port":              {"127.0.0.1", nil, "neither host:port"},
	} {
		t.Run(name, func(t *testing.T) {
			err := ask(t.Context(), append([]string{"--admin-address", tt.address}, tt.args...)...)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestPlainAddresses(t *testing.T) {
	server := apitest.Start(t, apitest.LiveFilter("auth"))
	for _, address := range []string{server.Address, "http://" + server.Address, "http://" + server.Address + "/"} {
		if err := ask(t.Context(), "--admin-address", address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := ask(t.Context(), "--admin-address", "https://"+server.Address); err == nil || !strings.Contains(err.Error(), "does not speak TLS") {
		t.Errorf("https: %v", err)
	}
}
