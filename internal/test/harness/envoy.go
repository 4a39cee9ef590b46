package harness

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// EnvoyOptions configure an Envoy.
type EnvoyOptions struct {
	Version     string   // "": DefaultVersion
	Bootstrap   string   // the whole bootstrap as YAML; a free admin address replaces its admin address
	Concurrency int      // worker threads; 0: 2
	NodeID      string   // "": as in the bootstrap
	NodeCluster string   // "": as in the bootstrap
	LogLevel    string   // "": info
	ExtraArgs   []string // appended to the command line
	Env         []string // NAME=value, in addition to the test's own environment
	MayDie      bool     // an unexpected end is no failure
	HotRestart  bool     // [EnvoyProcess.HotRestart] is possible
	User        uint32   // user and group that run Envoy, which needs root; 0: the test's own
}

// EnvoyProcess is a running Envoy, which ends with the test.
type EnvoyProcess struct {
	t       TB
	options EnvoyOptions
	restart restart
	dir     string

	mu      sync.Mutex
	process *process
	admin   string // host:port
}

// StartEnvoy starts an Envoy and waits until its admin server answers. The listeners may still be
// warming, see [EnvoyProcess.WaitReady].
func StartEnvoy(t TB, options EnvoyOptions) *EnvoyProcess {
	t.Helper()
	return startEnvoy(t, options, restart{})
}

func startEnvoy(t TB, options EnvoyOptions, place restart) *EnvoyProcess {
	t.Helper()
	e := &EnvoyProcess{t: t, options: options, restart: place, dir: t.TempDir()}
	if err := os.WriteFile(e.file("bootstrap.yaml"), []byte(options.Bootstrap), 0o600); err != nil {
		t.Fatalf("%v", err)
	}
	if options.HotRestart {
		t.Cleanup(func() { removeSharedMemory(e.file(baseID)) })
	}
	t.Cleanup(func() {
		if p := e.current(); p != nil && !options.MayDie {
			p.finish()
		} else if p != nil {
			p.signal(syscall.SIGKILL)
		}
		if t.Failed() {
			t.Logf("the end of the log of Envoy %s:\n%s", options.Version, tail(e.shortLog(), 80))
		}
	})
	e.start()
	return e
}

func (e *EnvoyProcess) file(name string) string { return filepath.Join(e.dir, name) }

func (e *EnvoyProcess) current() *process {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.process
}

func (e *EnvoyProcess) start() {
	e.t.Helper()
	_ = os.Remove(e.file("admin"))
	cmd := exec.Command(Envoy(e.t, e.options.Version), e.args()...)
	cmd.Env = append(os.Environ(), e.options.Env...)
	if e.options.User != 0 {
		e.runAs(cmd, e.options.User)
	}
	p := startProcess(e.t, "Envoy", e.file("envoy.log"), cmd)
	e.mu.Lock()
	e.process, e.admin = p, ""
	e.mu.Unlock()
	ok := Poll(e.t.Context(), func() bool {
		if !p.running() {
			return true
		}
		address, err := os.ReadFile(e.file("admin"))
		if err != nil || len(address) == 0 {
			return false
		}
		e.mu.Lock()
		e.admin = strings.TrimSpace(string(address))
		e.mu.Unlock()
		_, _, err = e.get("/ready")
		return err == nil
	})
	if !ok || !p.running() && !e.options.MayDie {
		e.t.Fatalf("Envoy does not start:\n%s", tail(e.shortLog(), 40))
	}
}

// runAs lets another user run Envoy. That user may not reach the directory of the binary, so it
// gets a link or a copy.
func (e *EnvoyProcess) runAs(cmd *exec.Cmd, user uint32) {
	e.t.Helper()
	for _, dir := range []string{filepath.Dir(e.dir), e.dir} { // of t.TempDir
		if err := os.Chmod(dir, 0o755); err != nil {
			e.t.Fatalf("%v", err)
		}
	}
	if err := os.Chown(e.dir, int(user), int(user)); err != nil {
		e.t.Fatalf("%v", err)
	}
	if err := os.Chmod(e.file("bootstrap.yaml"), 0o644); err != nil {
		e.t.Fatalf("%v", err)
	}
	binary := e.file("envoy")
	if err := os.Link(cmd.Path, binary); err != nil && !os.IsExist(err) {
		text, err := os.ReadFile(cmd.Path)
		if err == nil {
			err = os.WriteFile(binary, text, 0o755)
		}
		if err != nil {
			e.t.Fatalf("%v", err)
		}
	}
	cmd.Path = binary
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
}

func (e *EnvoyProcess) args() []string {
	concurrency := e.options.Concurrency
	if concurrency == 0 {
		concurrency = 2
	}
	level := e.options.LogLevel
	if level == "" {
		level = "info"
	}
	args := []string{
		"--config-path", e.file("bootstrap.yaml"),
		"--config-yaml", "admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}",
		"--admin-address-path", e.file("admin"),
		"--concurrency", strconv.Itoa(concurrency),
		"--log-level", level,
	}
	if e.options.HotRestart {
		args = append(args, e.restart.args(e.file(baseID))...)
	} else {
		// Without hot restart, a killed Envoy leaves no shared memory behind, and Envoys of other
		// tests need no distinct base id.
		args = append(args, "--disable-hot-restart")
	}
	if e.options.NodeID != "" {
		args = append(args, "--service-node", e.options.NodeID)
	}
	if e.options.NodeCluster != "" {
		args = append(args, "--service-cluster", e.options.NodeCluster)
	}
	return append(args, e.options.ExtraArgs...)
}

// AdminURL returns the root of Envoy's admin server, without a slash at the end.
func (e *EnvoyProcess) AdminURL() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return "http://" + e.admin
}

// get asks the admin server.
func (e *EnvoyProcess) get(path string) (status int, body string, err error) {
	// Use a client without kept connections, so no connection outlives the test.
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(e.AdminURL() + path)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

// Stop ends Envoy with SIGTERM and waits for the end.
func (e *EnvoyProcess) Stop() { e.current().signal(syscall.SIGTERM) }

// Kill ends Envoy with SIGKILL and waits for the end.
func (e *EnvoyProcess) Kill() { e.current().signal(syscall.SIGKILL) }

// SetEnv replaces the variables of EnvoyOptions.Env from the next [EnvoyProcess.Restart] on.
func (e *EnvoyProcess) SetEnv(env ...string) { e.options.Env = env }

// Restart kills Envoy if necessary, and starts a new process with the same bootstrap. The admin
// address changes.
func (e *EnvoyProcess) Restart() {
	e.t.Helper()
	e.Kill()
	e.start()
}

// Pause stops Envoy without ending the process, like a machine without CPU. Resume continues.
func (e *EnvoyProcess) Pause() { _ = e.current().cmd.Process.Signal(syscall.SIGSTOP) }

// Resume continues a paused Envoy.
func (e *EnvoyProcess) Resume() { _ = e.current().cmd.Process.Signal(syscall.SIGCONT) }

// Exited returns a channel that is closed when Envoy has ended.
func (e *EnvoyProcess) Exited() <-chan struct{} { return e.current().exited }

// PID returns the process id.
func (e *EnvoyProcess) PID() int { return e.current().cmd.Process.Pid }

// Log returns the whole log, including earlier processes.
func (e *EnvoyProcess) Log() string {
	text, err := os.ReadFile(e.file("envoy.log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// shortLog returns the log without the long lists of Envoy's extensions.
func (e *EnvoyProcess) shortLog() string {
	var short strings.Builder
	for line := range strings.Lines(e.Log()) {
		if !strings.Contains(line, "[info][main]") {
			short.WriteString(line)
		}
	}
	return short.String()
}

// WaitLog waits until the log contains a text.
func (e *EnvoyProcess) WaitLog(text string) {
	e.t.Helper()
	if !Poll(e.t.Context(), func() bool { return strings.Contains(e.Log(), text) }) {
		e.t.Fatalf("Envoy has not logged %q", text)
	}
}

// WaitListening waits until a port accepts connections.
func (e *EnvoyProcess) WaitListening(port int) {
	e.t.Helper()
	if !Poll(e.t.Context(), func() bool { return Listening(port) }) {
		e.t.Fatalf("nothing listens on port %d", port)
	}
}

// Listening reports whether a loopback port accepts connections.
func Listening(port int) bool {
	conn, err := net.DialTimeout("tcp", Loopback(port), time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// RSS returns Envoy's resident memory in bytes, or 0 if the system does not report it.
func (e *EnvoyProcess) RSS() int64 { return residentMemory(e.PID()) }

func residentMemory(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}
