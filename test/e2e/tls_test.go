package e2e_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
)

// encrypted is a scenario with mutual TLS on the control plane. Each directory has tls.crt, tls.key
// and ca.crt.
type encrypted struct {
	*scenario
	servers, clients        *pki.CA
	serverFiles, envoyFiles string
}

func newEncrypted(t *testing.T) *encrypted {
	t.Helper()
	s := &encrypted{
		scenario: newScenario(t), servers: pki.NewCA(t, "servers"), clients: pki.NewCA(t, "clients"),
		serverFiles: t.TempDir(), envoyFiles: t.TempDir(),
	}
	s.servers.Issue(t, pki.Request{}).WriteFiles(t, s.serverFiles)
	s.clients.Issue(t, pki.Request{}).WriteFiles(t, s.envoyFiles)
	pki.WriteFile(t, filepath.Join(s.serverFiles, "ca.crt"), s.clients.PEM())
	pki.WriteFile(t, filepath.Join(s.envoyFiles, "ca.crt"), s.servers.PEM())
	s.cp.SetArgs("--tls-cert-file", filepath.Join(s.serverFiles, "tls.crt"), "--tls-key-file", filepath.Join(s.serverFiles, "tls.key"),
		"--client-ca-file", filepath.Join(s.serverFiles, "ca.crt"))
	s.write(auth, authModule("v1"), "")
	s.cp.Start()
	return s
}

// start starts an Envoy with the bootstrap of wasm-xds, and with the certificates in dir. start
// returns the Envoy and the address of the HTTP listener.
func (s *encrypted) start(version, dir string, args ...string) (*harness.EnvoyProcess, string) {
	s.t.Helper()
	return s.startWith(s.dir, version, dir, args...)
}

// startWith is start with the filters of another directory.
func (s *encrypted) startWith(filters, version, dir string, args ...string) (*harness.EnvoyProcess, string) {
	s.t.Helper()
	web := harness.Loopback(harness.FreePort(s.t))
	args = append([]string{
		"bootstrap", filters, "--xds-address", s.cp.XDSAddress(), "--modules-address", s.cp.ModulesAddress(),
		"--listen-address", web, "--upstream-address", s.upstream.Address(), "--tls-ca-file", filepath.Join(dir, "ca.crt"),
		"--tls-sds-dir", s.t.TempDir(),
	}, args...)
	if _, err := os.Stat(filepath.Join(dir, "tls.crt")); err == nil {
		args = append(args, "--tls-cert-file", filepath.Join(dir, "tls.crt"), "--tls-key-file", filepath.Join(dir, "tls.key"))
	}
	out, err := exec.CommandContext(s.t.Context(), harness.BuildBinary(s.t), args...).Output()
	if err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
	return harness.StartEnvoy(s.t, harness.EnvoyOptions{Version: version, Bootstrap: string(out)}), web
}

// Both sides get new certificates, and then a new authority, while requests pass. No request is
// lost, and no filter is loaded again. In the end, the control plane trusts only the new authority.
func TestMutualTLS(t *testing.T) {
	for _, version := range []string{"1.40.0", "1.36.4"} {
		t.Run(version, func(t *testing.T) {
			s := newEncrypted(t)
			envoy, web := s.start(version, s.envoyFiles)
			envoy.WaitReady()
			s.cp.WaitLive(auth, authModule("v1"), 1)
			traffic := s.traffic(web)
			traffic.live("v1")
			s.swap(auth, authModule("v2"), "delivery: remote", 1)
			traffic.live("v2")
			s.waitReports()
			loaded, pushed := envoy.FilterStats(auth)["update_success"], s.pushes()

			// The authority of the servers changes, and Envoys have both for a time.
			servers := pki.NewCA(t, "next servers")
			pki.WriteFile(t, filepath.Join(s.envoyFiles, "ca.crt"), append(servers.PEM(), s.servers.PEM()...))
			s.trusts(envoy, servers)
			servers.Issue(t, pki.Request{}).WriteFiles(t, s.serverFiles)
			s.cp.WaitLog("new TLS files are used")
			next := pki.NewCA(t, "next clients")
			pki.WriteFile(t, filepath.Join(s.serverFiles, "ca.crt"), append(s.clients.PEM(), next.PEM()...))
			next.Issue(t, pki.Request{}).WriteFiles(t, s.envoyFiles)
			s.reloaded(2)
			s.rotated(envoy)
			pki.WriteFile(t, filepath.Join(s.serverFiles, "ca.crt"), next.PEM())
			s.reloaded(3)

			// The stream with the old certificate ends, and the Envoy comes back with the new
			// certificate.
			s.cp.WaitLive(auth, authModule("v2"), 1)
			envoy.WaitStat("cluster.wasm_xds.upstream_cx_total", 2)
			s.cp.WaitLive(auth, authModule("v2"), 1)
			if again := envoy.FilterStats(auth)["update_success"]; again != loaded {
				t.Errorf("the filter was loaded %d times, then %d times", loaded, again)
			}
			if again := s.pushes(); again != pushed {
				t.Errorf("%v pushes, then %v", pushed, again)
			}
			s.swap(auth, authModule("v3"), "delivery: remote", 1)
			traffic.live("v3")
			traffic.end()
		})
	}
}

// reloaded waits until the control plane has used new TLS files n times.
func (s *encrypted) reloaded(n int) {
	s.t.Helper()
	if !harness.Poll(s.t.Context(), func() bool { return strings.Count(s.cp.Log(), "new TLS files are used") >= n }) {
		s.t.Fatalf("the TLS files were not read %d times", n)
	}
}

// rotated waits until an Envoy has taken the new certificate.
func (s *encrypted) rotated(envoy *harness.EnvoyProcess) {
	s.t.Helper()
	file := filepath.Join(s.envoyFiles, "tls.crt")
	if !harness.Poll(s.t.Context(), func() bool { return strings.Contains(envoy.Admin("/certs"), serialOf(s.t, file)) }) {
		s.t.Fatalf("Envoy has not taken %s:\n%s", file, envoy.Admin("/certs"))
	}
}

// trusts waits until an Envoy has a CA as the first CA. Envoy names no other CA.
func (s *encrypted) trusts(envoy *harness.EnvoyProcess, ca *pki.CA) {
	s.t.Helper()
	if !harness.Poll(s.t.Context(), func() bool { return strings.Contains(envoy.Admin("/certs"), pki.Serial(s.t, ca.PEM())) }) {
		s.t.Fatalf("Envoy has not taken the CA:\n%s", envoy.Admin("/certs"))
	}
}

// serialOf returns the serial number of a certificate as Envoy writes it.
func serialOf(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return pki.Serial(t, text)
}

// Each unwelcome client is refused with a single clear line, and gets no filter.
func TestRefusedClients(t *testing.T) {
	for _, version := range []string{"1.40.0", "1.36.4"} {
		t.Run(version, func(t *testing.T) {
			s := newEncrypted(t)
			files := func(change func(dir string)) string {
				dir := t.TempDir()
				pki.WriteFile(t, filepath.Join(dir, "ca.crt"), s.servers.PEM())
				change(dir)
				return dir
			}
			issue := func(ca *pki.CA, r pki.Request) string {
				return files(func(dir string) { ca.Issue(t, r).WriteFiles(t, dir) })
			}
			s.start(version, issue(s.clients, pki.Request{}))
			s.cp.WaitLive(auth, authModule("v1"), 1)
			for _, tt := range []struct {
				name, dir, log string
				args           []string
			}{
				{"no certificate", files(func(string) {}), "the xDS port refused a client: it has no certificate", nil},
				{"wrong CA", issue(pki.NewCA(t, "others"), pki.Request{}), "an authority that --client-ca-file does not have", nil},
				{"expired", issue(s.clients, pki.Request{NotBefore: -2 * time.Hour, NotAfter: -time.Hour}), "its certificate has expired", nil},
				{"not yet valid", issue(s.clients, pki.Request{NotBefore: time.Hour, NotAfter: 2 * time.Hour}), "its certificate is not valid yet", nil},
				{"wrong name of the server", issue(s.clients, pki.Request{}), "a client refused the certificate of the xDS port", []string{"--tls-server-name", "another.example"}},
			} {
				envoy, _ := s.start(version, tt.dir, tt.args...)
				s.refusal(tt.log)
				if n := envoy.FilterStats(auth)["update_success"]; n != 0 {
					t.Errorf("%s: the Envoy got the filter", tt.name)
				}
				envoy.Stop()
			}
			plain := s.envoy(proxyOptions{version: version})
			s.cp.WaitLog("a client does not speak TLS to the xDS port")
			plain.Stop()

			// The module server, too, answers only clients with a certificate.
			s.wantNoModules(s.servers)
			if live := s.cp.WaitLive(auth, authModule("v1"), 1); len(live.Subscribers) != 1 {
				t.Errorf("%d subscribers", len(live.Subscribers))
			}
			s.refusal("the modules port refused a client: it has no certificate")

			// The first Envoy's authority goes: the server cuts the Envoy off, and the Envoy comes
			// again without success.
			pki.WriteFile(t, filepath.Join(s.serverFiles, "ca.crt"), pki.NewCA(t, "next clients").PEM())
			s.comesAgain("--client-ca-file does not have any more")
		})
	}
}

// A bad new file keeps the last good file, and is shown until a good file is there.
func TestBadCertificateKeepsTheLastGoodOne(t *testing.T) {
	s := newEncrypted(t)
	s.start("", s.envoyFiles)
	s.cp.WaitLive(auth, authModule("v1"), 1)
	status := func() (string, error) {
		out, err := exec.CommandContext(t.Context(), harness.BuildBinary(t), "status", "--exit-code", "--admin-address",
			strings.TrimPrefix(s.cp.AdminURL(), "http://")).CombinedOutput()
		return string(out), err
	}
	// The test's certificates last an hour, of which less than a quarter has passed.
	if out, err := status(); err != nil || strings.Contains(out, " minutes, on ") {
		t.Errorf("%v\n%s", err, out)
	}
	key := filepath.Join(s.serverFiles, "tls.key")
	good, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	pki.WriteFile(t, key, []byte("SECRETKEY"))
	s.cp.WaitLog("the new TLS files cannot be used, and the last good ones stay")
	if out, err := status(); err == nil || !strings.Contains(out, "the new TLS files cannot be used") {
		t.Errorf("%v\n%s", err, out)
	}
	if n := s.metric(`wasm_xds_certificate_error{port="xds"}`); n != 1 {
		t.Errorf("the metric is %v", n)
	}
	if days := s.metric(`wasm_xds_certificate_expiry_days{port="modules"}`); days <= 0 || days > 1.0/24 {
		t.Errorf("%v days until the end", days)
	}
	if strings.Contains(s.cp.Log(), "SECRETKEY") {
		t.Error("the log has the content of the key's file")
	}
	second := t.TempDir()
	s.clients.Issue(t, pki.Request{}).WriteFiles(t, second)
	pki.WriteFile(t, filepath.Join(second, "ca.crt"), s.servers.PEM())
	s.start("", second, "--node-id", "second")
	s.cp.WaitLive(auth, authModule("v1"), 2)
	pki.WriteFile(t, key, good)
	s.cp.WaitLog("the TLS files are the last good ones again")
	if out, err := status(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// wantNoModules expects the module server to refuse a client without a certificate. servers is the
// authority of the server.
func (s *scenario) wantNoModules(servers *pki.CA) {
	s.t.Helper()
	client := http.Client{Timeout: harness.Deadline, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: servers.Client()}}
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "https://"+s.cp.ModulesAddress()+"/modules/", http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	if res, err := client.Do(r); err == nil {
		_ = res.Body.Close()
		s.t.Errorf("the module server answers a client without a certificate: %s", res.Status)
	}
}
