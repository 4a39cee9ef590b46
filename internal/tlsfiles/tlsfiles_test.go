package tlsfiles_test

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/test/pki"
	"github.com/wasm-xds/wasm-xds/internal/tlsfiles"
	"github.com/wasm-xds/wasm-xds/internal/tlsserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture has a server's files.
type fixture struct {
	servers, clients *pki.CA
	dir              string
	config           tlsfiles.Config
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{servers: pki.NewCA(t, "servers"), clients: pki.NewCA(t, "clients"), dir: t.TempDir()}
	f.config.CertFile, f.config.KeyFile = f.servers.Issue(t, pki.Request{}).WriteFiles(t, f.dir)
	f.config.ClientCAFile = filepath.Join(f.dir, "ca.crt")
	pki.WriteFile(t, f.config.ClientCAFile, f.clients.PEM())
	return f
}

func (f *fixture) open(t *testing.T) *tlsfiles.Files {
	t.Helper()
	files, err := tlsfiles.Open(f.config)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// shake returns the errors of a handshake, and the certificate in the client's view.
func shake(t *testing.T, server *tls.Config, client *tls.Config) (serial string, atServer, atClient error) {
	t.Helper()
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	done := make(chan error, 1)
	go func() {
		s := tls.Server(a, server)
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte("x"))
		}
		_ = a.Close()
		done <- err
	}()
	c := tls.Client(b, client)
	atClient = c.Handshake()
	if atClient == nil { // in TLS 1.3, the client learns of the server's refusal at the first read
		_, atClient = c.Read(make([]byte, 1))
	}
	if peers := c.ConnectionState().PeerCertificates; len(peers) > 0 {
		serial = peers[0].SerialNumber.String()
	}
	_ = b.Close()
	return serial, <-done, atClient
}

func TestHandshakes(t *testing.T) {
	f := newFixture(t)
	server := tlsserver.New(f.open(t)).Config("h2")
	valid := f.clients.Issue(t, pki.Request{}).TLS(t)
	for name, tt := range map[string]struct {
		change  func(*tls.Config)
		want    string // in the server's error; "": the handshake succeeds
		refusal tlsserver.Refusal
	}{
		"valid":          {func(*tls.Config) {}, "", ""},
		"TLS 1.2":        {func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, "", ""},
		"TLS 1.1":        {func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, "unsupported versions", tlsserver.OldProtocol},
		"no certificate": {func(c *tls.Config) { c.Certificates = nil }, "didn't provide a certificate", tlsserver.NoCertificate},
		"wrong CA": {func(c *tls.Config) {
			c.Certificates = []tls.Certificate{f.servers.Issue(t, pki.Request{}).TLS(t)}
		}, "unknown authority", tlsserver.UnknownAuthority},
		"expired": {func(c *tls.Config) {
			c.Certificates = []tls.Certificate{f.clients.Issue(t, pki.Request{NotBefore: -2 * time.Hour, NotAfter: -time.Hour}).TLS(t)}
		}, "expired", tlsserver.Expired},
		"not yet valid": {func(c *tls.Config) {
			c.Certificates = []tls.Certificate{f.clients.Issue(t, pki.Request{NotBefore: time.Hour, NotAfter: 2 * time.Hour}).TLS(t)}
		}, "not yet valid", tlsserver.NotYetValid},
		"foreign protocol":     {func(c *tls.Config) { c.NextProtos = []string{"spdy"} }, "unsupported application protocols", tlsserver.WrongProtocol},
		"server of another CA": {func(c *tls.Config) { c.RootCAs = f.clients.Pool() }, "remote error", tlsserver.RefusedByClient},
	} {
		t.Run(name, func(t *testing.T) {
			client := &tls.Config{
				ServerName: "localhost", RootCAs: f.servers.Pool(), NextProtos: []string{"h2"},
				// Without GetClientCertificate, a client sends only certificates of CAs named by
				// the server.
				Certificates: []tls.Certificate{valid},
			}
			tt.change(client)
			if chosen := client.Certificates; len(chosen) > 0 {
				client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &chosen[0], nil }
			}
			_, err, atClient := shake(t, server, client)
			if tt.want == "" && (err != nil || atClient != nil) {
				t.Errorf("server: %v, client: %v", err, atClient)
			}
			if tt.want != "" && (err == nil || atClient == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("server: %v, client: %v, want %q", err, atClient, tt.want)
			}
			if err != nil {
				if refusal, _ := tlsserver.RefusalOf(err.Error()); refusal != tt.refusal {
					t.Errorf("refusal %q, want %q", refusal, tt.refusal)
				}
			}
		})
	}
}

func TestNewFilesServeTheNextHandshake(t *testing.T) {
	f := newFixture(t)
	files := f.open(t)
	server := tlsserver.New(files).Config()
	client := &tls.Config{
		ServerName: "localhost", RootCAs: f.servers.Pool(), Certificates: []tls.Certificate{f.clients.Issue(t, pki.Request{}).TLS(t)},
		ClientSessionCache: tls.NewLRUClientSessionCache(1),
	}
	before, err, atClient := shake(t, server, client)
	if err != nil || atClient != nil {
		t.Fatal(err, atClient)
	}
	if changed, err := files.Reload(); changed || err != nil {
		t.Errorf("the same files: changed %v, %v", changed, err)
	}

	f.servers.Issue(t, pki.Request{NotAfter: 5 * time.Hour}).WriteFiles(t, f.dir)
	if changed, err := files.Reload(); !changed || err != nil {
		t.Errorf("new certificate: changed %v, %v", changed, err)
	}
	after, err, atClient := shake(t, server, client)
	if err != nil || atClient != nil || after == before {
		t.Errorf("the certificate is %s after %s: %v, %v", after, before, err, atClient)
	}
	if left := time.Until(files.Material().NotAfter); left < 4*time.Hour || left > 5*time.Hour {
		t.Errorf("the certificate ends in %v", left)
	}

	// A client of a removed CA is refused, though the client could resume a session.
	pki.WriteFile(t, f.config.ClientCAFile, pki.NewCA(t, "others").PEM())
	if changed, err := files.Reload(); !changed || err != nil {
		t.Errorf("new CA: changed %v, %v", changed, err)
	}
	if _, err, _ := shake(t, server, client); err == nil {
		t.Error("a client of the removed CA is let in")
	}
}

// A bad set of files changes nothing, and the error names the file.
func TestBadFilesLeaveTheLastGoodOnes(t *testing.T) {
	f := newFixture(t)
	files := f.open(t)
	good := map[string][]byte{}
	for _, path := range []string{f.config.CertFile, f.config.KeyFile, f.config.ClientCAFile} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		good[path] = text
	}
	other := f.servers.Issue(t, pki.Request{})
	for name, tt := range map[string]struct {
		path string
		text []byte
	}{
		"empty certificate":       {f.config.CertFile, nil},
		"half a certificate":      {f.config.CertFile, good[f.config.CertFile][:100]},
		"another key":             {f.config.KeyFile, other.Key},
		"no key":                  {f.config.KeyFile, []byte("key")},
		"no CA":                   {f.config.ClientCAFile, []byte("# none\n")},
		"a key among the CAs":     {f.config.ClientCAFile, append(good[f.config.ClientCAFile], other.Key...)},
		"half a CA after another": {f.config.ClientCAFile, append(good[f.config.ClientCAFile], "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"...)},
		"too much":                {f.config.ClientCAFile, make([]byte, 5<<20)},
	} {
		t.Run(name, func(t *testing.T) {
			pki.WriteFile(t, tt.path, tt.text)
			if changed, err := files.Reload(); changed || err == nil || !strings.Contains(err.Error(), tt.path) {
				t.Errorf("changed %v, %v", changed, err)
			}
			if _, err := tlsfiles.Open(f.config); err == nil {
				t.Error("a start takes it")
			}
			pki.WriteFile(t, tt.path, good[tt.path])
			if changed, err := files.Reload(); changed || err != nil {
				t.Errorf("the good file again: changed %v, %v", changed, err)
			}
		})
	}
	if err := os.Remove(f.config.KeyFile); err != nil {
		t.Fatal(err)
	}
	if _, err := files.Reload(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if err := syscall.Mkfifo(f.config.KeyFile, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := files.Reload(); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a pipe: %v", err)
	}
}

// Kubernetes replaces all files at once with a single link.
func TestSwappedLink(t *testing.T) {
	f := newFixture(t)
	dir := t.TempDir()
	link := func(target string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(dir, "new")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	second := t.TempDir()
	f.servers.Issue(t, pki.Request{}).WriteFiles(t, second)
	link(f.dir)
	files, err := tlsfiles.Open(tlsfiles.Config{
		CertFile: filepath.Join(dir, "..data", "tls.crt"), KeyFile: filepath.Join(dir, "..data", "tls.key"),
	})
	if err != nil {
		t.Fatal(err)
	}
	link(second)
	if changed, err := files.Reload(); !changed || err != nil {
		t.Errorf("changed %v, %v", changed, err)
	}
}
