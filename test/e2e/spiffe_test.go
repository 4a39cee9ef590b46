package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
	"github.com/wasm-xds/wasm-xds/internal/test/spiffetest"
)

// The identities of the tests.
const (
	trustDomain = "example.org"
	serverID    = "spiffe://example.org/wasm-xds"
	envoyID     = "spiffe://example.org/envoy"
)

// spiffeScenario is a scenario with a control plane that has its certificate from a SPIFFE agent.
type spiffeScenario struct {
	*scenario
	ca    *pki.CA
	agent *spiffetest.Agent // of the control plane
}

func newSPIFFE(t *testing.T) *spiffeScenario {
	t.Helper()
	s := &spiffeScenario{scenario: newScenario(t), ca: pki.NewCA(t, "first"), agent: spiffetest.New(t)}
	s.cp.SetArgs("--spiffe-socket", s.agent.Socket())
	s.write(auth, authModule("v1"), "")
	return s
}

// answer has a new certificate, signed by the last CA, and the CAs of the trust domain.
func (s *spiffeScenario) answer(id string, cas ...*pki.CA) spiffetest.Answer {
	s.t.Helper()
	return spiffetest.Answer{
		SVIDs:   []spiffetest.SVID{{ID: id, Pair: cas[len(cas)-1].Issue(s.t, pki.Request{URI: id})}},
		Bundles: map[string][]*pki.CA{trustDomain: cas},
	}
}

// begin starts the agent and the control plane.
func (s *spiffeScenario) begin() {
	s.t.Helper()
	s.agent.Restart()
	s.agent.Give(s.answer(serverID, s.ca))
	s.cp.Start()
}

// start starts an Envoy with the bootstrap that wasm-xds writes for an agent.
func (s *spiffeScenario) start(version string, agent *spiffetest.Agent, args ...string) (*harness.EnvoyProcess, string) {
	s.t.Helper()
	web := harness.Loopback(harness.FreePort(s.t))
	args = append([]string{
		"bootstrap", s.dir, "--xds-address", s.cp.XDSAddress(), "--modules-address", s.cp.ModulesAddress(),
		"--listen-address", web, "--upstream-address", s.upstream.Address(), "--spiffe-socket", agent.Socket(),
	}, args...)
	out, err := exec.CommandContext(s.t.Context(), harness.BuildBinary(s.t), args...).Output()
	if err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
	return harness.StartEnvoy(s.t, harness.EnvoyOptions{Version: version, Bootstrap: string(out)}), web
}

// holds waits until Envoy has the certificate of an answer.
func (s *spiffeScenario) holds(envoy *harness.EnvoyProcess, answer spiffetest.Answer) {
	s.t.Helper()
	serial := pki.Serial(s.t, answer.SVIDs[0].Pair.Cert)
	if !harness.Poll(s.t.Context(), func() bool { return strings.Contains(envoy.Admin("/certs"), serial) }) {
		s.t.Fatalf("Envoy has not taken its new certificate:\n%s", envoy.Admin("/certs"))
	}
}

// certificateStatus is a certificate in the API.
type certificateStatus struct {
	Socket, SPIFFEID string
	NotAfter         *time.Time
	Error            *harness.APIError
}

// certificate is that of the xDS port.
func (s *spiffeScenario) certificate() certificateStatus {
	s.t.Helper()
	var all []certificateStatus
	s.cp.GetJSON("/api/v1/certificates", &all)
	if len(all) != 1 {
		s.t.Fatalf("%+v", all)
	}
	return all[0]
}

// used waits until the control plane has logged n new identities.
func (s *spiffeScenario) used(n int) {
	s.t.Helper()
	if !harness.Poll(s.t.Context(), func() bool { return strings.Count(s.cp.Log(), "a new SPIFFE identity is used") >= n }) {
		s.t.Fatalf("fewer than %d new identities", n)
	}
}

// Both agents give new certificates, and then the authority of the trust domain changes, while
// requests pass. No request is lost, no filter is loaded again, and nothing is pushed. The server
// binds the Envoy to its SPIFFE ID. The second version has a CA from its agent, as older agents of
// SPIRE give it, and the first the SPIFFE validator.
func TestSPIFFE(t *testing.T) {
	for version, plain := range map[string]bool{"1.40.0": false, "1.36.4": true} {
		t.Run(version, func(t *testing.T) {
			s := newSPIFFE(t)
			s.cp.SetArgs("--spiffe-socket", s.agent.Socket(), "--node-identity", "san")
			s.begin()
			agent := spiffetest.Start(t)
			give := func(cas ...*pki.CA) spiffetest.Answer {
				answer := s.answer(envoyID, cas...)
				answer.PlainCA = plain
				agent.Give(answer)
				return answer
			}
			give(s.ca)
			envoy, web := s.start(version, agent, "--spiffe-server-id", serverID, "--node-id", envoyID)
			envoy.WaitReady()
			s.cp.WaitLive(auth, authModule("v1"), 1)
			traffic := s.traffic(web)
			traffic.live("v1")
			s.swap(auth, authModule("v2"), "delivery: remote", 1)
			traffic.live("v2")
			loaded, pushed := envoy.FilterStats(auth)["update_success"], s.pushes()

			// New certificates of the same authority: nothing ends.
			s.used(1)
			s.agent.Give(s.answer(serverID, s.ca))
			s.used(2)
			s.holds(envoy, give(s.ca))
			if n := envoy.Stat("cluster.wasm_xds.upstream_cx_total"); n != 1 {
				t.Errorf("%d connections after new certificates", n)
			}

			// A new authority beside the first, then alone.
			next := pki.NewCA(t, "next")
			s.agent.Give(s.answer(serverID, next, s.ca))
			s.used(3)
			s.holds(envoy, give(s.ca, next))
			s.agent.Give(s.answer(serverID, next))
			s.used(4)
			envoy.WaitStat("cluster.wasm_xds.upstream_cx_total", 2)
			s.cp.WaitLive(auth, authModule("v2"), 1)
			s.holds(envoy, give(next))
			if again := envoy.FilterStats(auth)["update_success"]; again != loaded {
				t.Errorf("the filter was loaded %d times, then %d times", loaded, again)
			}
			if again := s.pushes(); again != pushed {
				t.Errorf("%v pushes, then %v", pushed, again)
			}
			s.swap(auth, authModule("v3"), "delivery: remote", 1)
			traffic.live("v3")
			traffic.end()
			if n := strings.Count(s.cp.Log(), "closed the connection of a client"); n != 1 {
				t.Errorf("%d lines about the closed connection", n)
			}
		})
	}
}

// Each unwelcome client is refused with a single clear line, and gets no filter.
func TestSPIFFERefusals(t *testing.T) {
	for _, version := range []string{"1.40.0", "1.36.4"} {
		t.Run(version, func(t *testing.T) { refusalsBySPIFFE(t, version) })
	}
}

func refusalsBySPIFFE(t *testing.T, version string) {
	s := newSPIFFE(t)
	s.begin()
	agentWith := func(answer spiffetest.Answer) *spiffetest.Agent {
		agent := spiffetest.Start(t)
		agent.Give(answer)
		return agent
	}
	with := func(id string, signer *pki.CA, r pki.Request) *spiffetest.Agent {
		r.URI = id
		answer := s.answer(id, s.ca)
		answer.SVIDs[0].Pair = signer.Issue(t, r)
		if !strings.Contains(id, trustDomain) {
			answer.Bundles["partner.example"] = []*pki.CA{s.ca}
		}
		return agentWith(answer)
	}
	s.start(version, with(envoyID, s.ca, pki.Request{}), "--spiffe-server-id", "spiffe://example.org")
	s.cp.WaitLive(auth, authModule("v1"), 1)
	for _, tt := range []struct {
		log   string
		agent *spiffetest.Agent
		args  []string
	}{
		{"its certificate is signed by an authority that the SPIFFE agent of this server does not name", with(envoyID, pki.NewCA(t, "others"), pki.Request{}), nil},
		{"its certificate has expired", with(envoyID, s.ca, pki.Request{NotBefore: -2 * time.Hour, NotAfter: -time.Hour}), nil},
		{"its certificate is not valid yet", with(envoyID, s.ca, pki.Request{NotBefore: time.Hour, NotAfter: 2 * time.Hour}), nil},
		{
			"the trust domain of its SPIFFE ID spiffe://partner.example/envoy is not among example.org",
			with("spiffe://partner.example/envoy", s.ca, pki.Request{}),
			[]string{"--spiffe-bundle-name", "spiffe://example.org"},
		},
		{"a client refused the certificate of the xDS port", with(envoyID, s.ca, pki.Request{}), []string{"--spiffe-server-id", "spiffe://example.org/another"}},
	} {
		envoy, _ := s.start(version, tt.agent, tt.args...)
		s.refusal(tt.log)
		if n := envoy.FilterStats(auth)["update_success"]; n != 0 {
			t.Errorf("%s: the Envoy got the filter", tt.log)
		}
		envoy.Stop()
	}

	// A client without a certificate.
	s.wantNoModules(s.ca)
	s.refusal("it has no certificate")

	// The authority of clients goes. The Envoy is cut off, and comes again without success.
	answer := s.answer(serverID, s.ca)
	answer.Bundles[trustDomain] = []*pki.CA{pki.NewCA(t, "next")}
	s.agent.Give(answer)
	s.comesAgain("the SPIFFE agent of this server does not name any more")
}

// comesAgain waits until an Envoy of a removed authority is cut off, and comes again. The log has
// one line for both.
func (s *scenario) comesAgain(text string) {
	s.t.Helper()
	s.refusal(text)
	if !harness.Poll(s.t.Context(), func() bool { return s.visits("revoked") >= 2 }) {
		s.t.Error("the Envoy does not come again")
	}
	s.refusal(text)
}

// pushes is the number of resources that the control plane has sent.
func (s *scenario) pushes() float64 {
	s.t.Helper()
	n := 0.0
	for line := range strings.Lines(s.get("/metrics")) {
		if strings.HasPrefix(line, "wasm_xds_pushes_total{") {
			value, err := strconv.ParseFloat(line[strings.LastIndex(line, " ")+1:len(line)-1], 64)
			if err != nil {
				s.t.Fatal(err)
			}
			n += value
		}
	}
	return n
}

// visits is the number of connections that were refused for a reason.
func (s *scenario) visits(reason string) int {
	s.t.Helper()
	var all []struct {
		Speaks string
		Count  int
	}
	s.cp.GetJSON("/api/v1/visitors", &all)
	n := 0
	for _, one := range all {
		if one.Speaks == reason {
			n += one.Count
		}
	}
	return n
}

// refusal waits for a line in the log, and wants exactly one, with the address and a next step.
func (s *scenario) refusal(text string) {
	s.t.Helper()
	s.cp.WaitLog(text)
	found := 0
	for line := range strings.Lines(s.cp.Log()) {
		if !strings.Contains(line, text) {
			continue
		}
		found++
		var one struct{ Level, Address, Hint string }
		if err := json.Unmarshal([]byte(line), &one); err != nil || one.Level != "warn" || !strings.HasPrefix(one.Address, "127.0.0.1:") || one.Hint == "" {
			s.t.Errorf("%v: %s", err, line)
		}
	}
	if found != 1 {
		s.t.Errorf("%q: %d lines in the log", text, found)
	}
}

// The server waits for its agent, says so, and goes on with its last identity when the agent goes.
func TestSPIFFEAgentComesAndGoes(t *testing.T) {
	s := newSPIFFE(t)
	s.cp.Launch()
	const waits = "Envoys cannot connect until the SPIFFE agent gives this server an identity"
	s.cp.WaitLog(waits)
	res, err := http.Get(s.cp.AdminURL() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), "no SPIFFE agent answers on "+s.agent.Socket()) {
		t.Errorf("%s: %s", res.Status, text)
	}
	if one := s.certificate(); one.Error == nil || one.Error.Code != "no_identity" || one.NotAfter != nil || one.SPIFFEID != "" || one.Socket != s.agent.Socket() {
		t.Errorf("%+v", one)
	}
	if text := s.get("/metrics"); strings.Contains(text, "wasm_xds_certificate_expiry_days{") || !strings.Contains(text, "wasm_xds_ready 0") {
		t.Error("the metrics have an end of no certificate, or say that the server is ready")
	}

	s.agent.Restart()
	s.agent.Give(s.answer(serverID, s.ca))
	s.cp.WaitReady()
	agent := spiffetest.Start(t)
	agent.Give(s.answer(envoyID, s.ca))
	s.start("", agent, "--spiffe-server-id", serverID)
	s.cp.WaitLive(auth, authModule("v1"), 1)
	if one := s.certificate(); one.Error != nil || one.SPIFFEID != serverID || one.NotAfter == nil {
		t.Errorf("%+v", one)
	}
	s.used(1)

	s.agent.Stop()
	const stays = "no new SPIFFE identity comes, and the last one stays until it expires"
	s.cp.WaitLog(stays)
	s.start("", agent, "--spiffe-server-id", serverID, "--node-id", "second")
	s.cp.WaitLive(auth, authModule("v1"), 2)
	if n := s.metric(`wasm_xds_certificate_error{port="modules"}`); n != 1 {
		t.Errorf("the metric is %v", n)
	}
	status, err := exec.CommandContext(t.Context(), harness.BuildBinary(t), "status", "--exit-code", "--admin-address",
		strings.TrimPrefix(s.cp.AdminURL(), "http://")).CombinedOutput()
	if err == nil || !strings.Contains(string(status), stays) {
		t.Errorf("%v\n%s", err, status)
	}
	s.agent.Restart()
	s.cp.WaitLog("the SPIFFE agent answers again")
	for _, one := range []string{waits, stays} {
		if n := strings.Count(s.cp.Log(), one); n != 1 {
			t.Errorf("%q is %d times in the log", one, n)
		}
	}
}
