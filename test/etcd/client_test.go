package etcd_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/etcdclient"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// secured is an etcd that wants certificates, a user and a password.
type secured struct {
	*harness.Etcd
	ca           *pki.CA
	dir          string
	config       etcdclient.Config
	passwordFile string
}

func startSecured(t *testing.T) *secured {
	t.Helper()
	s := &secured{ca: pki.NewCA(t, "etcd"), dir: t.TempDir()}
	serverCert, serverKey := s.ca.Issue(t, pki.Request{}).WriteFiles(t, t.TempDir())
	cert, key := s.ca.Issue(t, pki.Request{}).WriteFiles(t, s.dir)
	caFile := filepath.Join(s.dir, "ca.crt")
	pki.WriteFile(t, caFile, s.ca.PEM())
	s.Etcd = harness.StartEtcd(t, harness.EtcdOptions{CertFile: serverCert, KeyFile: serverKey, ClientCAFile: caFile})
	s.Ctl("user", "add", "root:rootpw")
	s.Ctl("role", "add", "wasm-xds")
	s.Ctl("role", "grant-permission", "wasm-xds", "readwrite", "--prefix=true", "/wasm-xds/")
	s.Ctl("user", "add", "ann:first")
	s.Ctl("user", "grant-role", "ann", "wasm-xds")
	s.Ctl("user", "grant-role", "root", "root")
	s.Ctl("auth", "enable")
	s.passwordFile = filepath.Join(s.dir, "password")
	pki.WriteFile(t, s.passwordFile, []byte("first\n"))
	s.config = etcdclient.Config{
		Endpoints: []string{s.Members[0].Address}, CAFile: caFile, CertFile: cert, KeyFile: key, User: "ann", PasswordFile: s.passwordFile,
	}
	return s
}

// put connects and writes a key.
func put(t *testing.T, access *etcdclient.Access, key string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	client, err := access.Connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = client.Put(ctx, key, "x")
	return err
}

// A client of certificates and a password reads both again, and says what is wrong.
func TestSecuredClient(t *testing.T) {
	t.Parallel()
	s := startSecured(t)
	access, err := etcdclient.Open(s.config, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if err := put(t, access, "/wasm-xds/a"); err != nil {
		t.Fatal(access.Problem(err))
	}
	problem := access.Problem(put(t, access, "/others/a"))
	if problem == nil || problem.Code != etcdclient.CodeDenied || !strings.Contains(problem.Hint, "grant-permission") {
		t.Errorf("a foreign key: %v", problem)
	}
}

// Rotated files count for the next connection, and a broken file changes nothing.
func TestRotatedFiles(t *testing.T) {
	t.Parallel()
	s := startSecured(t)
	access, err := etcdclient.Open(s.config, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(s.config.CertFile)
	if err != nil {
		t.Fatal(err)
	}
	pki.WriteFile(t, s.config.CertFile, good[:50])
	pki.WriteFile(t, s.passwordFile, nil)
	if err := put(t, access, "/wasm-xds/a"); err != nil {
		t.Errorf("with broken files: %v", access.Problem(err))
	}
	stranger := pki.NewCA(t, "stranger")
	stranger.Issue(t, pki.Request{}).WriteFiles(t, s.dir)
	if problem := access.Problem(put(t, access, "/wasm-xds/a")); problem == nil || problem.Code != etcdclient.CodeUnreachable {
		t.Errorf("with a stranger's certificate: %v", problem)
	}
	s.ca.Issue(t, pki.Request{}).WriteFiles(t, s.dir)
	pki.WriteFile(t, s.passwordFile, []byte("wrong\n"))
	if problem := access.Problem(put(t, access, "/wasm-xds/a")); problem == nil || problem.Code != etcdclient.CodeDenied || strings.Contains(problem.Error(), "wrong") {
		t.Errorf("with a wrong password: %v", problem)
	}
	pki.WriteFile(t, s.passwordFile, []byte("first\n"))
	if err := put(t, access, "/wasm-xds/a"); err != nil {
		t.Errorf("with good files again: %v", access.Problem(err))
	}
}

// Nobody listens: the error says so, with the next step.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	access, err := etcdclient.Open(etcdclient.Config{Endpoints: []string{harness.Loopback(harness.FreePort(t))}}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	client, err := access.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = client.Get(ctx, "a")
	if problem := access.Problem(err); problem == nil || problem.Code != etcdclient.CodeUnreachable || !strings.Contains(problem.Message, "refused") {
		t.Errorf("%v", problem)
	}
}
