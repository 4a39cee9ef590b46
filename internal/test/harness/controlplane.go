package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ControlPlaneOptions configure a control plane.
type ControlPlaneOptions struct {
	Dir      string   // of the specs; "": none, with a bundle in Args
	StateDir string   // "": a temporary directory
	Args     []string // further arguments of serve
	Env      []string // further environment, KEY=value
	DNS      *DNS     // name server of the process; nil: the machine's
	Binary   string   // "": built from this tree
	// XDSPort, ModulesPort and AdminPort are ports to use. 0 means a reserved free port.
	XDSPort, ModulesPort, AdminPort int
}

// ControlPlane is a `wasm-xds serve` process, which ends with the test.
type ControlPlane struct {
	t       TB
	options ControlPlaneOptions
	logPath string

	mu      sync.Mutex
	process *process
}

// StartControlPlane starts the built binary and waits for its readiness.
func StartControlPlane(t TB, options ControlPlaneOptions) *ControlPlane {
	t.Helper()
	c := NewControlPlane(t, options)
	c.Start()
	return c
}

// NewControlPlane reserves a control plane's ports without starting the process, for Envoys that
// boot first.
func NewControlPlane(t TB, options ControlPlaneOptions) *ControlPlane {
	t.Helper()
	if options.StateDir == "" {
		options.StateDir = filepath.Join(t.TempDir(), "state")
	}
	for _, port := range []*int{&options.XDSPort, &options.ModulesPort, &options.AdminPort} {
		if *port == 0 {
			*port = FreePort(t)
		}
	}
	c := &ControlPlane{t: t, options: options, logPath: filepath.Join(t.TempDir(), "wasm-xds.log")}
	t.Cleanup(func() {
		if p := c.current(); p != nil {
			p.finish()
		}
		if t.Failed() {
			t.Logf("the end of the control plane's log:\n%s", tail(c.Log(), 120))
		}
	})
	return c
}

func (c *ControlPlane) current() *process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.process
}

// Start starts the process on its ports and waits for /readyz.
func (c *ControlPlane) Start() {
	c.t.Helper()
	c.Launch()
	c.WaitReady()
}

// Launch starts the process on its ports, and does not wait.
func (c *ControlPlane) Launch() {
	c.t.Helper()
	args := []string{"serve"}
	if c.options.Dir != "" {
		args = append(args, c.options.Dir)
	}
	args = append(append(args,
		"--xds-address", c.XDSAddress(),
		"--modules-address", c.ModulesAddress(),
		"--admin-address", Loopback(c.options.AdminPort),
		"--state-dir", c.options.StateDir,
		"--log-format", "json", "--log-level", "debug",
	), c.options.Args...)
	binary := c.options.Binary
	if binary == "" {
		binary = BuildBinary(c.t)
	}
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), c.options.Env...)
	if c.options.DNS != nil {
		path, err := asking()
		if err != nil {
			c.t.Fatalf("%v", err)
		}
		cmd.Path, cmd.Env = path, append(cmd.Env, "HARNESS_DNS="+c.options.DNS.address())
	}
	p := startProcess(c.t, "wasm-xds", c.logPath, cmd)
	c.mu.Lock()
	c.process = p
	c.mu.Unlock()
}

// WaitReady waits for /readyz of a process that [ControlPlane.Launch] has started.
func (c *ControlPlane) WaitReady() {
	c.t.Helper()
	p := c.current()
	ready := func() bool {
		if !p.running() {
			return true
		}
		status, _, err := c.get("/readyz")
		return err == nil && status == http.StatusOK
	}
	if !Poll(c.t.Context(), ready) || !p.running() {
		c.t.Fatalf("wasm-xds does not start:\n%s", tail(c.Log(), 40))
	}
}

// SetArgs replaces ControlPlaneOptions.Args from the next [ControlPlane.Start] on.
func (c *ControlPlane) SetArgs(args ...string) { c.options.Args = args }

// SetBinary replaces ControlPlaneOptions.Binary from the next [ControlPlane.Start] on.
func (c *ControlPlane) SetBinary(path string) { c.options.Binary = path }

// Pause stops the process without ending it, like a machine without CPU.
func (c *ControlPlane) Pause() { _ = c.current().cmd.Process.Signal(syscall.SIGSTOP) }

// Resume continues the process after [ControlPlane.Pause].
func (c *ControlPlane) Resume() { _ = c.current().cmd.Process.Signal(syscall.SIGCONT) }

// Stop ends the process with SIGTERM and waits for the end.
func (c *ControlPlane) Stop() { c.current().signal(syscall.SIGTERM) }

// Kill ends the process with SIGKILL and waits for the end.
func (c *ControlPlane) Kill() { c.current().signal(syscall.SIGKILL) }

// Restart kills the process if necessary, and starts a new process with the same ports and state.
func (c *ControlPlane) Restart() {
	c.t.Helper()
	c.Kill()
	c.Start()
}

// XDSAddress returns the address of the xDS server, host:port.
func (c *ControlPlane) XDSAddress() string { return Loopback(c.options.XDSPort) }

// ModulesAddress returns the address of the module server, host:port.
func (c *ControlPlane) ModulesAddress() string { return Loopback(c.options.ModulesPort) }

// AdminURL returns the root of the API, without a slash at the end.
func (c *ControlPlane) AdminURL() string { return "http://" + Loopback(c.options.AdminPort) }

// StateDir returns the state directory.
func (c *ControlPlane) StateDir() string { return c.options.StateDir }

// PID returns the process id.
func (c *ControlPlane) PID() int { return c.current().cmd.Process.Pid }

// RSS returns the resident memory in bytes, or 0 if the system does not report it.
func (c *ControlPlane) RSS() int64 { return residentMemory(c.PID()) }

// Log returns the whole log, including earlier processes.
func (c *ControlPlane) Log() string {
	text, err := os.ReadFile(c.logPath)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// WaitLog waits until the log contains a text.
func (c *ControlPlane) WaitLog(text string) {
	c.t.Helper()
	if !Poll(c.t.Context(), func() bool { return strings.Contains(c.Log(), text) }) {
		c.t.Fatalf("wasm-xds has not logged %q", text)
	}
}

func (c *ControlPlane) get(path string) (status int, body []byte, err error) {
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(c.AdminURL() + path)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

// GetJSON decodes the API's answer to GET path into value.
func (c *ControlPlane) GetJSON(path string, value any) {
	c.t.Helper()
	status, body, err := c.get(path)
	if err == nil && status == http.StatusOK {
		err = json.Unmarshal(body, value)
	}
	if err != nil || status != http.StatusOK {
		c.t.Fatalf("GET %s: status %d, error %v\n%s", path, status, err, body)
	}
}

// Status returns all filters.
func (c *ControlPlane) Status() []FilterStatus {
	c.t.Helper()
	filters, err := c.status()
	if err != nil {
		c.t.Fatalf("%v", err)
	}
	return filters
}

func (c *ControlPlane) status() ([]FilterStatus, error) {
	status, body, err := c.get("/api/v1/filters")
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("GET /api/v1/filters: status %d: %s", status, body)
	}
	// The body is a list, or an object with a list.
	var filters []FilterStatus
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		return filters, json.Unmarshal(body, &filters)
	}
	var wrapped struct{ Filters []FilterStatus }
	err = json.Unmarshal(body, &wrapped)
	return wrapped.Filters, err
}

// Filter returns a filter, or false if there is none with this name.
func (c *ControlPlane) Filter(name string) (FilterStatus, bool) {
	c.t.Helper()
	return find(c.Status(), name)
}

func find(filters []FilterStatus, name string) (FilterStatus, bool) {
	for _, f := range filters {
		if f.Name == name {
			return f, true
		}
	}
	return FilterStatus{}, false
}

// WaitFilter waits until a filter meets a condition and returns the filter.
func (c *ControlPlane) WaitFilter(name string, wanted func(FilterStatus) bool) FilterStatus {
	c.t.Helper()
	var last FilterStatus
	done := func() bool {
		filters, err := c.status()
		if err != nil {
			return false
		}
		f, ok := find(filters, name)
		if ok {
			last = f
		}
		return ok && wanted(f)
	}
	if !Poll(c.t.Context(), done) {
		text, err := json.MarshalIndent(last, "", "  ")
		if err != nil {
			c.t.Logf("%v", err)
		}
		c.t.Fatalf("filter %s is not as wanted; it is\n%s", name, text)
	}
	return last
}

// WaitLive waits until the module with these bytes is live on exactly n subscribers.
func (c *ControlPlane) WaitLive(name string, module []byte, n int) FilterStatus {
	c.t.Helper()
	sha := SHA256(module)
	return c.WaitFilter(name, func(f FilterStatus) bool { return f.LiveModule(sha, n) })
}
