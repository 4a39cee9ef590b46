package e2e_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
)

// adminPort is a server with TLS and tokens at its admin address.
type adminPort struct {
	t       *testing.T
	dir     string // of the specs, the certificates and the tokens
	binary  string
	address string
}

const (
	readCanary    = "CANARY-read-0123456789"
	operateCanary = "CANARY-operate-0123456789"
)

func (g *adminPort) file(name string) string { return filepath.Join(g.dir, name) }

// startGuarded starts a server on all addresses of this machine. With clients, each client also
// needs a certificate of theirs.
func startGuarded(t *testing.T, clients *pki.CA) *adminPort {
	t.Helper()
	port := harness.FreePort(t)
	g := &adminPort{t: t, dir: t.TempDir(), binary: harness.BuildBinary(t), address: "https://" + harness.Loopback(port)}
	ca := pki.NewCA(t, "servers")
	ca.Issue(t, pki.Request{}).WriteFiles(t, g.dir)
	pki.WriteFile(t, g.file("ca.crt"), ca.PEM())
	var args []string
	if clients != nil {
		pki.WriteFile(t, g.file("clients.crt"), clients.PEM())
		args = []string{"--admin-client-ca-file", g.file("clients.crt")}
	}
	pki.WriteFile(t, g.file("tokens"), []byte("# tokens\nread ci "+readCanary+"\noperate deploy "+operateCanary+"\n"))
	pki.WriteFile(t, g.file("read"), []byte(readCanary))
	pki.WriteFile(t, g.file("operate"), []byte(operateCanary))
	specs := g.file("filters")
	if err := os.Mkdir(specs, 0o700); err != nil {
		t.Fatal(err)
	}
	harness.WriteFilter(t, specs, auth, authModule("v1"), "")
	log, err := os.Create(g.file("log"))
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Replace(harness.Loopback(port), "127.0.0.1", "0.0.0.0", 1)
	cmd := exec.Command(g.binary, append([]string{
		"serve", specs, "--state-dir", g.file("state"), "--admin-address", all,
		"--xds-address", "unix://" + g.file("xds"), "--modules-address", "unix://" + g.file("modules"), "--log-format", "json", "--log-level", "debug",
		"--admin-tls-cert-file", g.file("tls.crt"), "--admin-tls-key-file", g.file("tls.key"), "--admin-token-file", g.file("tokens"), "--audit-log-file", g.file("audit"),
	}, args...)...)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = log, log, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
		_ = log.Close()
		if strings.Contains(g.log(), "CANARY") {
			t.Error("the log has a token")
		}
		if t.Failed() {
			t.Log(g.log())
		}
	})
	return g
}

func (g *adminPort) log() string {
	text, err := os.ReadFile(g.file("log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// run runs a command against the server. No output has a token.
func (g *adminPort) run(environment string, args ...string) (string, error) {
	g.t.Helper()
	cmd := exec.CommandContext(g.t.Context(), g.binary, append(args, "--admin-address", g.address, "--admin-ca-file", g.file("ca.crt"))...)
	cmd.Env = append(os.Environ(), environment)
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "CANARY") {
		g.t.Errorf("%q prints a token:\n%s", args, out)
	}
	return string(out), err
}

// wait waits until a command prints a text.
func (g *adminPort) wait(text, environment string, args ...string) {
	g.t.Helper()
	last := ""
	done := harness.Poll(g.t.Context(), func() bool {
		out, err := g.run(environment, args...)
		last = out
		return err == nil && strings.Contains(out, text)
	})
	if !done {
		g.t.Fatalf("%q does not print %q, but\n%s", args, text, last)
	}
}

// useContext asks the server of a context, without its address.
func (g *adminPort) useContext() {
	g.t.Helper()
	run := func(args ...string) string {
		cmd := exec.CommandContext(g.t.Context(), g.binary, args...)
		cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+g.dir)
		out, err := cmd.CombinedOutput()
		if err != nil || strings.Contains(string(out), "CANARY") {
			g.t.Errorf("%q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	run("context", "add", "prod", g.address, "--ca-file", g.file("ca.crt"), "--token-file", g.file("read"))
	for text, args := range map[string][]string{
		auth: {"status"}, g.address: {"context", "list"}, `"tokenFile"`: {"context", "list", "-o", "json"},
	} {
		if out := run(args...); !strings.Contains(out, text) {
			g.t.Errorf("%q does not print %q, but\n%s", args, text, out)
		}
	}
	if out := run("__complete", "status", ""); !strings.Contains(out, auth) {
		g.t.Errorf("the completion does not ask the context's server:\n%s", out)
	}
	if out := run("context", "rm", "prod"); !strings.Contains(out, "no context is the current one") {
		g.t.Errorf("the end of the context:\n%s", out)
	}
}

// Other machines could reach the address: TLS and tokens protect it. Each change is in the log.
func TestGuardedAdminPort(t *testing.T) {
	t.Parallel()
	g := startGuarded(t, nil)
	read := []string{"status", "--admin-token-file", g.file("read")}
	g.wait(auth, "", read...)
	g.wait(auth, "WASM_XDS_ADMIN_TOKEN="+readCanary, "status")

	refused := func(text, environment string, args ...string) {
		t.Helper()
		if out, err := g.run(environment, args...); err == nil || !strings.Contains(out, text) {
			t.Errorf("%q: %v, want %q in\n%s", args, err, text, out)
		}
	}
	refused("this server wants a token", "", "status")
	refused("does not know the token", "WASM_XDS_ADMIN_TOKEN=CANARY-unknown", "status")
	refused(`the token "ci" may only read`, "", "forget", auth, "--admin-token-file", g.file("read"))
	refused("has a spec", "", "forget", auth, "--admin-token-file", g.file("operate"))
	refused("has a spec", "", "forget", auth, "--admin-token-file", g.file("tokens"))
	for _, line := range []string{
		`"action":"forget","filter":"auth","revision":"","outcome":"forbidden","who":"ci","by":"token"`,
		`"action":"forget","filter":"auth","revision":"","outcome":"has_spec","who":"deploy","by":"token"`,
		"the admin port refused a client: its token is unknown",
	} {
		if !strings.Contains(g.log(), line) {
			t.Errorf("the log lacks %s", line)
		}
	}
	if out, err := g.run("", read...); err != nil || !strings.Contains(out, "its token is unknown") {
		t.Errorf("status does not show the refused client: %v\n%s", err, out)
	}

	g.useContext()
	info, err := os.Stat(g.file("audit"))
	text, readErr := os.ReadFile(g.file("audit"))
	if err != nil || readErr != nil || info.Mode() != 0o600 || strings.Count(string(text), "\n") != 3 {
		t.Errorf("the audit log has the mode %v: %v, %v\n%s", info.Mode(), err, readErr, text)
	}

	pki.WriteFile(t, g.file("tokens"), []byte("CANARY broken"))
	logged := func(text string) {
		t.Helper()
		if !harness.Poll(t.Context(), func() bool { return strings.Contains(g.log(), text) }) {
			t.Fatalf("the log lacks %q", text)
		}
	}
	logged("the last good tokens stay")
	g.wait(auth, "", read...)
	pki.WriteFile(t, g.file("tokens"), []byte("operate deploy "+operateCanary))
	logged("new tokens are used")
	refused("does not know the token", "", read...)
}

// Without TLS and tokens, a server does not start where other machines reach it.
func TestExposedAdminPort(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out, err := exec.CommandContext(t.Context(), harness.BuildBinary(t), "serve", dir, "--state-dir", filepath.Join(dir, "state"),
		"--admin-address", "0.0.0.0:0", "--xds-address", "127.0.0.1:0", "--modules-address", "127.0.0.1:0").CombinedOutput()
	for _, text := range []string{"everybody who reaches it could change filters", "--admin-tls-cert-file", "--admin-token-file", "--admin-insecure"} {
		if err == nil || !strings.Contains(string(out), text) {
			t.Errorf("%v, want %q in\n%s", err, text, out)
		}
	}
}

// A client of a removed CA gets an error in the form of the API's other errors on its open
// connection, and the log says why, once.
func TestRevokedAdminClient(t *testing.T) {
	t.Parallel()
	clients := pki.NewCA(t, "clients")
	g := startGuarded(t, clients)
	servers, err := os.ReadFile(g.file("ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), Certificates: []tls.Certificate{clients.Issue(t, pki.Request{}).TLS(t)}}
	config.RootCAs.AppendCertsFromPEM(servers)
	transport := &http.Transport{TLSClientConfig: config}
	t.Cleanup(transport.CloseIdleConnections)
	ask := func() (status int, text string, err error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.address+"/api/v1/filters", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+readCanary)
		res, err := (&http.Client{Transport: transport, Timeout: harness.Deadline}).Do(r)
		if err != nil {
			return 0, "", err
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		return res.StatusCode, res.Header.Get("Content-Type") + " " + string(body), err
	}
	if !harness.Poll(t.Context(), func() bool { status, _, err := ask(); return err == nil && status == http.StatusOK }) {
		t.Fatal("the server does not answer")
	}
	pki.WriteFile(t, g.file("clients.crt"), pki.NewCA(t, "others").PEM())
	if !harness.Poll(t.Context(), func() bool { return strings.Contains(g.log(), "new TLS files are used") }) {
		t.Fatal("the new CA is not used")
	}
	status, text, err := ask()
	if err != nil || status != http.StatusUnauthorized || !strings.HasPrefix(text, "application/json {") ||
		!strings.Contains(text, `"code": "unauthorized"`) || !strings.Contains(text, "--admin-client-ca-file") {
		t.Errorf("%v, %d: %s", err, status, text)
	}
	if _, _, err := ask(); err == nil {
		t.Error("the client connects again")
	}
	// The client hears of the second refusal before the log does.
	if !harness.Poll(t.Context(), func() bool { return strings.Count(g.log(), "the admin port refused a client") >= 2 }) {
		t.Error("the log has not both refusals")
	}
	if n := strings.Count(g.log(), "--admin-client-ca-file does not have any more"); n != 1 {
		t.Errorf("the log has the removed CA %d times", n)
	}
}
