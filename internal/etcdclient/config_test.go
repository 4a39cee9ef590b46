package etcdclient_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/etcdclient"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		config etcdclient.Config
		want   string // in the error; "": none
	}{
		"nothing":            {etcdclient.Config{}, ""},
		"a member":           {etcdclient.Config{Endpoints: []string{"etcd:2379"}}, ""},
		"members":            {etcdclient.Config{Endpoints: []string{"10.0.0.1:2379", "[::1]:2379", "http://etcd-3:2379"}}, ""},
		"a CA":               {etcdclient.Config{Endpoints: []string{"etcd:2379"}, CAFile: "ca.pem"}, ""},
		"no endpoints":       {etcdclient.Config{CAFile: "ca.pem"}, "--etcd-ca-file is given without --etcd-endpoints"},
		"no port":            {etcdclient.Config{Endpoints: []string{"etcd"}}, `invalid --etcd-endpoints "etcd"`},
		"a path":             {etcdclient.Config{Endpoints: []string{"http://etcd:2379/v3"}}, "it is no host with a port"},
		"a user in the URL":  {etcdclient.Config{Endpoints: []string{"http://a:b@etcd:2379"}}, "it is no host with a port"},
		"another scheme":     {etcdclient.Config{Endpoints: []string{"ftp://etcd:2379"}}, "neither http nor https"},
		"both schemes":       {etcdclient.Config{Endpoints: []string{"http://a:1", "https://b:1"}}, "members with TLS and members without"},
		"a CA without TLS":   {etcdclient.Config{Endpoints: []string{"http://a:1"}, CAFile: "ca.pem"}, "is without TLS"},
		"a relative prefix":  {etcdclient.Config{Endpoints: []string{"a:1"}, Prefix: "wasm"}, "must begin with a slash"},
		"a prefix with end":  {etcdclient.Config{Endpoints: []string{"a:1"}, Prefix: "/wasm/"}, "must begin with a slash"},
		"a prefix of spaces": {etcdclient.Config{Endpoints: []string{"a:1"}, Prefix: "/w x"}, "no visible ASCII"},
		"half a certificate": {etcdclient.Config{Endpoints: []string{"a:1"}, CertFile: "c.pem"}, "without the key"},
		"a key alone":        {etcdclient.Config{Endpoints: []string{"a:1"}, KeyFile: "k.pem"}, "without the certificate"},
		"no password":        {etcdclient.Config{Endpoints: []string{"a:1"}, User: "ann"}, "without a password"},
		"a password alone":   {etcdclient.Config{Endpoints: []string{"a:1"}, PasswordFile: "p"}, "without the user"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tt.config.Check()
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var e *spec.Error
			if !errors.As(err, &e) || e.Code != etcdclient.CodeConfig || !strings.Contains(e.Message, tt.want) || e.Hint == "" {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// A file that cannot be used is an error with its name, and without a part of its content.
func TestBadFiles(t *testing.T) {
	dir, secret := t.TempDir(), "Canary-of-a-secret"
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := pki.NewCA(t, "etcd")
	cert, _ := ca.Issue(t, pki.Request{}).WriteFiles(t, t.TempDir())
	_, otherKey := ca.Issue(t, pki.Request{}).WriteFiles(t, t.TempDir())
	for name, c := range map[string]etcdclient.Config{
		"no CA file":     {CAFile: filepath.Join(dir, "none")},
		"no CA in it":    {CAFile: write("ca", secret)},
		"another key":    {CertFile: cert, KeyFile: otherKey},
		"no password":    {User: "ann", PasswordFile: write("empty", "\n")},
		"two lines":      {User: "ann", PasswordFile: write("two", secret+"\n"+secret+"\n")},
		"no seal":        {SecretKeyFile: write("keys", secret)},
		"a missing seal": {SecretKeyFile: filepath.Join(dir, "none")},
	} {
		t.Run(name, func(t *testing.T) {
			c.Endpoints = []string{"127.0.0.1:1"}
			_, err := etcdclient.Open(c, zap.NewNop())
			var e *spec.Error
			if !errors.As(err, &e) || e.Pos.File == "" || e.Hint == "" || strings.Contains(err.Error(), secret) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	access, err := etcdclient.Open(etcdclient.Config{Endpoints: []string{"etcd:2379"}}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		err        error
		code, hint string
	}{
		{rpctypes.ErrGRPCPermissionDenied, etcdclient.CodeDenied, "role grant-permission"},
		{rpctypes.ErrPermissionDenied, etcdclient.CodeDenied, "--prefix=true /wasm-xds/"},
		{rpctypes.ErrAuthFailed, etcdclient.CodeDenied, "--etcd-password-file"},
		{rpctypes.ErrGRPCUserEmpty, etcdclient.CodeDenied, "--etcd-user"},
		{rpctypes.ErrNoSpace, etcdclient.CodeFull, "alarm disarm"},
		{context.DeadlineExceeded, etcdclient.CodeUnreachable, "endpoint health"},
		{rpctypes.ErrNoLeader, etcdclient.CodeUnreachable, "--endpoints=http://etcd:2379"},
		{errors.New("connection error: desc = \"transport: authentication handshake failed: tls: bad\""), etcdclient.CodeUnreachable, "--etcd-ca-file"},
		{rpctypes.ErrTooManyOps, etcdclient.CodeFailed, "log"},
	} {
		if e := access.Problem(tt.err); e.Code != tt.code || !strings.Contains(e.Hint, tt.hint) {
			t.Errorf("%v: %+v, want %s", tt.err, e, tt.code)
		}
	}
	if access.Problem(nil) != nil {
		t.Error("a problem without an error")
	}
}
