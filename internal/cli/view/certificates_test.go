package view

import (
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

func TestPrintCertificates(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	file := func(left time.Duration) api.Certificate {
		return api.Certificate{Ports: []string{"xds", "modules"}, File: "tls.crt", NotBefore: now.Add(-80 * 24 * time.Hour), NotAfter: now.Add(left)}
	}
	agent := func(left time.Duration) api.Certificate {
		return api.Certificate{Ports: []string{"xds"}, Socket: "unix:///agent.sock", SPIFFEID: "spiffe://a/b", NotBefore: now.Add(-time.Hour), NotAfter: now.Add(left)}
	}
	for _, tt := range []struct {
		name string
		one  api.Certificate
		want string // "": nothing
	}{
		{"a file with time left", file(15 * 24 * time.Hour), ""},
		{"a file's last days", file(10 * 24 * time.Hour), "tls.crt: the certificate of xds and modules expires in 10 days, on 2026-01-12"},
		{"a file's last hour", file(30 * time.Minute), "expires in 30 minutes"},
		{"a file that has expired", file(-time.Second), "has expired on 2026-01-02 03:04:04 UTC\n  hint: put a new certificate"},
		{"an agent's hour", agent(time.Hour), ""},
		{"an agent that renews nothing", agent(14 * time.Minute), "unix:///agent.sock: the certificate of xds expires in 14 minutes"},
		{"an agent without a new one", agent(-time.Second), "has expired on 2026-01-02 03:04:04 UTC\n  hint: look at the log of the SPIFFE agent"},
		{
			"no certificate yet",
			api.Certificate{Ports: []string{"xds"}, Socket: "unix:///agent.sock", Error: &api.Error{Message: "no agent", Hint: "start it"}},
			"xds: no agent\n  hint: start it",
		},
	} {
		var out strings.Builder
		printCertificates(&out, []api.Certificate{tt.one}, now)
		if got := out.String(); tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if strings.Contains(out.String(), "expired") != expired(&tt.one, now) {
			t.Errorf("%s: expired is %v", tt.name, expired(&tt.one, now))
		}
	}
}

func TestPrintWebhooks(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var out strings.Builder
	printWebhooks(&out, []api.Webhook{
		{Receiver: "good.example", Waiting: 1},
		{Receiver: "bad.example", Waiting: 2, OldestAt: now.Add(-time.Minute), Error: &api.Error{Message: "it answers 500", Hint: "look at its log"}},
	}, now)
	if want := "\nwebhook bad.example: it answers 500; messages wait: 2, for up to 1m0s\n  hint: look at its log\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
