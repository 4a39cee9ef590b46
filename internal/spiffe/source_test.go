package spiffe_test

import (
	"context"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/spiffe"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
	"github.com/wasm-xds/wasm-xds/internal/test/spiffetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	own       = "spiffe://example.org/wasm-xds"
	envoy     = "spiffe://example.org/envoy"
	foreigner = "spiffe://partner.example/envoy"
)

// answerOf has a new SVID of the server.
func answerOf(t *testing.T, bundles map[string][]*pki.CA, signer *pki.CA) spiffetest.Answer {
	t.Helper()
	return spiffetest.Answer{SVIDs: []spiffetest.SVID{{ID: own, Pair: signer.Issue(t, pki.Request{URI: own})}}, Bundles: bundles}
}

func open(t *testing.T, c spiffe.Config) *spiffe.Source {
	t.Helper()
	s, err := spiffe.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// wait polls until done, since the source has no event for each change.
func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatal("never: " + what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// chain returns the certificates of a client.
func chain(t *testing.T, ca *pki.CA, id string) []*x509.Certificate {
	t.Helper()
	c, err := x509.ParseCertificate(ca.Issue(t, pki.Request{URI: id}).TLS(t).Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return []*x509.Certificate{c}
}

// The source follows new certificates and new bundles, and an answer without changes is no change.
func TestRotation(t *testing.T) {
	agent, first, second := spiffetest.Start(t), pki.NewCA(t, "first"), pki.NewCA(t, "second")
	answer := answerOf(t, map[string][]*pki.CA{"example.org": {first}}, first)
	agent.Give(answer)
	s := open(t, spiffe.Config{Socket: agent.Socket()})
	<-s.Ready()
	if changed, err := s.Reload(); !changed || err != nil || s.ID() != own {
		t.Errorf("changed %v, %v, %s", changed, err, s.ID())
	}
	before := s.Material()
	agent.Give(answer)
	wait(t, "the same answer again", func() bool { return s.Material() != before })
	if changed, err := s.Reload(); changed || err != nil {
		t.Errorf("the same answer: changed %v, %v", changed, err)
	}

	agent.Give(answerOf(t, map[string][]*pki.CA{"example.org": {first, second}}, second))
	wait(t, "a change", func() bool { changed, _ := s.Reload(); return changed })
	if m := s.Material(); m.Certificate.Leaf.Issuer.CommonName != "second" || time.Until(m.NotAfter) < 59*time.Minute {
		t.Errorf("%s until %s", m.Certificate.Leaf.Issuer, m.NotAfter)
	}
}

// The agent comes late, goes, comes back, and forgets this process. The last certificate stays.
func TestAgentComesAndGoes(t *testing.T) {
	agent, ca := spiffetest.New(t), pki.NewCA(t, "ca")
	s := open(t, spiffe.Config{Socket: agent.Socket()})
	problem := func(kind spiffe.Kind) {
		t.Helper()
		wait(t, string(kind), func() bool {
			_, err := s.Reload()
			p, _ := err.(*spiffe.AgentError)
			return p != nil && p.Kind == kind && strings.Contains(p.Error(), agent.Socket()) && p.Hint() != ""
		})
	}
	problem(spiffe.Away)
	agent.Restart()
	problem(spiffe.NoIdentity)
	if s.Material() != nil || s.ID() != "" {
		t.Error("there is a certificate")
	}
	agent.Give(answerOf(t, map[string][]*pki.CA{"example.org": {ca}}, ca))
	<-s.Ready()
	if err := s.Problem(); err != nil {
		t.Error(err)
	}
	last := s.Material()
	agent.Stop()
	problem(spiffe.Away)
	if s.Material() != last {
		t.Error("the certificate has gone with the agent")
	}
	agent.Restart()
	wait(t, "no problem", func() bool { return s.Problem() == nil })
	agent.Forget()
	problem(spiffe.NoIdentity)
	if s.Material() == nil {
		t.Error("the certificate has gone with the registration")
	}
	agent.Give(spiffetest.Answer{})
	problem(spiffe.BadAnswer)
}

// A client needs an ID of an allowed trust domain, and a signature by this same trust domain.
func TestClients(t *testing.T) {
	agent, ca, partners := spiffetest.Start(t), pki.NewCA(t, "ca"), pki.NewCA(t, "partners")
	agent.Give(answerOf(t, map[string][]*pki.CA{"example.org": {ca}, "partner.example": {partners}}, ca))
	alone := open(t, spiffe.Config{Socket: agent.Socket()})
	both := open(t, spiffe.Config{Socket: agent.Socket(), TrustDomains: []string{"example.org", "partner.example"}})
	<-alone.Ready()
	<-both.Ready()
	for _, tt := range []struct {
		name        string
		chain       []*x509.Certificate
		alone, both string // in the error; "": the client may connect
	}{
		{"of the own trust domain", chain(t, ca, envoy), "", ""},
		{"federated", chain(t, partners, foreigner), "is not among example.org", ""},
		{"own ID, signed by a partner", chain(t, partners, envoy), "no authority of its own trust domain", "no authority of its own trust domain"},
		{"partner's ID, signed here", chain(t, ca, foreigner), "is not among example.org", "no authority of its own trust domain"},
		{"without an ID", chain(t, ca, ""), "no SPIFFE ID", "no SPIFFE ID"},
		{"another URI", chain(t, ca, "https://example.org/envoy"), "no SPIFFE ID", "no SPIFFE ID"},
		{"without a certificate", nil, "no certificate", "no certificate"},
	} {
		for want, s := range map[*string]*spiffe.Source{&tt.alone: alone, &tt.both: both} {
			err := s.Material().CheckClient(tt.chain, time.Now())
			if *want == "" && err != nil || *want != "" && (err == nil || !strings.Contains(err.Error(), *want)) {
				t.Errorf("%s: %v, want %q", tt.name, err, *want)
			}
		}
	}
	if alone.Material().ClientCAs.Equal(both.Material().ClientCAs) {
		t.Error("a federated authority is trusted without --spiffe-trust-domain")
	}
}

func TestBadConfig(t *testing.T) {
	for _, c := range []spiffe.Config{
		{},
		{Socket: "/run/agent.sock"},
		{Socket: "http://127.0.0.1"},
		{Socket: "unix://"},
		{Socket: "tcp://localhost:1"},
		{Socket: "unix:///run/agent.sock", TrustDomains: []string{"Not A Domain"}},
	} {
		if _, err := spiffe.Open(c); err == nil {
			t.Errorf("%+v is good", c)
		}
	}
}
