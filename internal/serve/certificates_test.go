package serve

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/spiffe"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
	"github.com/wasm-xds/wasm-xds/internal/tlsfiles"
	"github.com/wasm-xds/wasm-xds/internal/tlsserver"
)

// scripted is a source with a state from the test.
type scripted struct {
	material *tlsserver.Material
	changed  bool
	problem  error
}

func (s *scripted) Material() *tlsserver.Material { return s.material }
func (s *scripted) Reload() (bool, error)         { return s.changed, s.problem }
func (s *scripted) Problem() error                { return s.problem }
func (s *scripted) close() error                  { return nil }
func (s *scripted) describe(c *api.Certificate)   { c.File = "tls.crt" }

func (s *scripted) ready() <-chan struct{} {
	if s.material != nil {
		return closed()
	}
	return nil
}

func (s *scripted) words() words {
	return words{used: "used", again: "again", code: "bad", bad: func(error) (message, hint string) { return "bad", "mend it" }}
}

// The log has each state of a certificate once, also the end, whatever the source is.
func TestCertificateLog(t *testing.T) {
	m, err := tlsserver.NewMaterial(pki.NewCA(t, "ca").Issue(t, pki.Request{}).TLS(t))
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zapcore.InfoLevel)
	source := &scripted{problem: errors.New("no agent")}
	c := &certificates{log: zap.New(core), envoys: port{Server: tlsserver.New(source), source: source, ports: []string{"xds"}}}
	followed := c.followed(func(api.Visitor) {})
	if len(followed) != 1 {
		t.Fatalf("%d are followed", len(followed))
	}
	look := func(want ...string) {
		t.Helper()
		for range 2 {
			followed[0].look()
			source.changed = false
		}
		var got []string
		for _, one := range logs.TakeAll() {
			got = append(got, one.Message)
		}
		if strings.Join(got, "; ") != strings.Join(want, "; ") {
			t.Errorf("the log has %q, want %q", got, want)
		}
	}
	look("bad")
	if err := c.Ready(); err == nil || err.Error() != "no agent" {
		t.Errorf("ready: %v", err)
	}
	source.material, source.changed, source.problem = m, true, nil
	look("used")
	if err := c.Ready(); err != nil {
		t.Errorf("ready: %v", err)
	}
	source.problem = errors.New("no agent")
	look("bad")
	source.problem = nil
	look("again")
	ended := *m
	ended.NotAfter = time.Now().Add(-time.Second)
	source.material = &ended
	look("a certificate has expired")
	if all := c.Certificates(); len(all) != 1 || all[0].Error != nil || !all[0].NotAfter.Equal(ended.NotAfter) {
		t.Errorf("%+v", all)
	}
	source.problem = errors.New("no agent")
	look("bad")
	if all := c.Certificates(); all[0].Error == nil || all[0].Error.Message != "bad: no agent" || all[0].Error.Hint != "mend it" {
		t.Errorf("%+v", all)
	}
}

func TestSourcesOfCertificates(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  Config
		want string // in the error
	}{
		{"half of the files", Config{TLS: tlsfiles.Config{CertFile: "tls.crt"}}, "is given without its key"},
		{"no socket", Config{SPIFFE: spiffe.Config{TrustDomains: []string{"example.org"}}}, "without --spiffe-socket"},
		{"a bad socket", Config{SPIFFE: spiffe.Config{Socket: "agent.sock"}}, "--spiffe-socket agent.sock cannot be used"},
		{"bad files of the admin address", Config{SPIFFE: spiffe.Config{Socket: "unix:///none.sock"}, AdminTLS: tlsfiles.Config{KeyFile: "tls.key"}}, "is given without its certificate"},
	} {
		tt.cfg.Logger = zap.NewNop()
		if _, err := openCertificates(&tt.cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// Each reason has a message and a hint on each port, with the words of the port's source.
func TestRefusals(t *testing.T) {
	for text, want := range map[string][3]string{ // files, agent, admin
		"tls: client didn't provide a certificate":                 {"--tls-cert-file", "--spiffe-socket", "--admin-cert-file"},
		"x509: certificate signed by unknown authority":            {"--client-ca-file does not have", "agent of this server does not name", "--admin-client-ca-file does not have"},
		"the authority is not trusted any more: x509":              {"--client-ca-file does not have any more", "does not name any more", "--admin-client-ca-file does not have any more"},
		"x509: certificate has expired or is not yet valid":        {"issued anew", "renews", "issued anew"},
		"x509: current time a is before b":                         {"issued anew", "renews", "issued anew"},
		"x509: unhandled critical extension":                       {"issued anew", "renews", "issued anew"},
		"identity of the client: it is a foreigner":                {"", "--spiffe-trust-domain", ""},
		"remote error: tls: bad certificate":                       {"--tls-ca-file", "--spiffe-server-id", "--admin-ca-file"},
		"tls: client offered only unsupported versions: [301 302]": {"TLS 1.2", "TLS 1.2", "TLS 1.2"},
	} {
		for i, a := range []advice{fileAdvice(), agentAdvice(), adminAdvice()} {
			v, ok := refusalOf([]string{"xds", "modules", "admin"}[i], a, "10.0.0.1:5", text)
			if !ok || v.Address != "10.0.0.1:5" || v.Speaks == "" || !strings.Contains(v.Message+v.Hint, want[i]) || want[i] != "" && v.Hint == "" {
				t.Errorf("%s: %v %+v", text, ok, v)
			}
		}
	}
	if v, ok := refusalOf("xds", fileAdvice(), "10.0.0.1:5", "EOF"); ok {
		t.Errorf("%+v", v)
	}
}
