package harness

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// etcdBinary is Debian's etcd, with etcdctl beside it. All tests of the process share the download.
var etcdBinary = sync.OnceValues(func() (string, error) { return got("get-etcd") })

// EtcdOptions configure an etcd.
type EtcdOptions struct {
	Members int // 0: one
	// CertFile, KeyFile and ClientCAFile make the members speak TLS with clients and demand a
	// certificate. "" means plain connections.
	CertFile, KeyFile, ClientCAFile string
	Args                            []string // further arguments of each member
	Env                             []string // further environment of each member, KEY=value
}

// Etcd is an etcd of one or several members on loopback. The members and their data end with the
// test.
type Etcd struct {
	t       TB
	options EtcdOptions
	binary  string
	// Members are the members. The list never changes.
	Members []*EtcdMember
}

// EtcdMember is a process of an etcd.
type EtcdMember struct {
	// Address is the host and the port for clients.
	Address string

	of         *Etcd
	name       string
	peer       string
	dir        string
	logPath    string
	restoredTo string // the cluster's token after a restore; "": the first one

	mu      sync.Mutex
	process *process
}

// StartEtcd starts an etcd and waits until it takes writes. The first call may download Debian's
// packages.
func StartEtcd(t TB, options EtcdOptions) *Etcd {
	t.Helper()
	binary, err := etcdBinary()
	if err != nil {
		t.Fatalf("%v", err)
	}
	e := &Etcd{t: t, options: options, binary: binary}
	dir := t.TempDir()
	for i := range max(1, options.Members) {
		name := fmt.Sprintf("etcd-%d", i+1)
		m := &EtcdMember{
			Address: Loopback(FreePort(t)), of: e, name: name, peer: "http://" + Loopback(FreePort(t)),
			dir: filepath.Join(dir, name), logPath: filepath.Join(dir, name+".log"),
		}
		e.Members = append(e.Members, m)
		t.Cleanup(func() {
			if p := m.current(); p != nil {
				p.finish()
			}
			if t.Failed() {
				t.Logf("the end of the log of %s:\n%s", m.name, tail(m.log(), 20))
			}
		})
	}
	e.Start()
	return e
}

// Start starts the members that do not run, and waits until the etcd takes writes.
func (e *Etcd) Start() {
	e.t.Helper()
	for _, m := range e.Members {
		m.start()
	}
	for _, m := range e.Members {
		m.Await()
	}
}

// Kill ends all members with SIGKILL.
func (e *Etcd) Kill() {
	for _, m := range e.Members {
		m.Kill()
	}
}

// Endpoints are the members' addresses for --etcd-endpoints.
func (e *Etcd) Endpoints() string {
	all := make([]string, 0, len(e.Members))
	for _, m := range e.Members {
		all = append(all, m.Address)
	}
	return strings.Join(all, ",")
}

// Leader is the member that leads.
func (e *Etcd) Leader() *EtcdMember {
	e.t.Helper()
	var leader *EtcdMember
	if !Poll(e.t.Context(), func() bool {
		for _, m := range e.Members {
			if m.leads() {
				leader = m
				return true
			}
		}
		return false
	}) {
		e.t.Fatalf("no member of etcd leads")
	}
	return leader
}

// Ctl runs etcdctl with all members as endpoints, and returns its output.
func (e *Etcd) Ctl(args ...string) string {
	e.t.Helper()
	return e.ctl(e.Endpoints(), args...)
}

func (e *Etcd) ctl(endpoints string, args ...string) string {
	e.t.Helper()
	all := append([]string{"--endpoints=" + endpoints}, e.credentials()...)
	return runTool(e.t, filepath.Join(filepath.Dir(e.binary), "etcdctl"), e.t.TempDir(), []string{"ETCDCTL_API=3"}, append(all, args...)...)
}

func (e *Etcd) credentials() []string {
	if e.options.CertFile == "" {
		return nil
	}
	return []string{"--cacert=" + e.options.ClientCAFile, "--cert=" + e.options.CertFile, "--key=" + e.options.KeyFile}
}

// Snapshot writes a snapshot of the data into a file.
func (e *Etcd) Snapshot(path string) {
	e.t.Helper()
	e.ctl(e.Members[0].Address, "snapshot", "save", path)
}

// Restore replaces the data of all members by a snapshot, while the members do not run, and starts
// them.
func (e *Etcd) Restore(snapshot string) {
	e.t.Helper()
	for _, m := range e.Members {
		m.restoredTo = "restored-" + filepath.Base(snapshot)
		if err := os.RemoveAll(m.dir); err != nil {
			e.t.Fatalf("%v", err)
		}
		runTool(e.t, filepath.Join(filepath.Dir(e.binary), "etcdctl"), e.t.TempDir(), []string{"ETCDCTL_API=3"},
			"snapshot", "restore", snapshot, "--data-dir="+m.dir, "--name="+m.name, "--initial-cluster="+e.initial(),
			"--initial-cluster-token="+m.restoredTo, "--initial-advertise-peer-urls="+m.peer)
	}
	e.Start()
}

func (e *Etcd) initial() string {
	all := make([]string, 0, len(e.Members))
	for _, m := range e.Members {
		all = append(all, m.name+"="+m.peer)
	}
	return strings.Join(all, ",")
}

func (m *EtcdMember) current() *process {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.process
}

func (m *EtcdMember) log() string {
	text, err := os.ReadFile(m.logPath)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// start starts the process, unless it runs.
func (m *EtcdMember) start() {
	e := m.of
	e.t.Helper()
	if p := m.current(); p != nil && p.running() {
		return
	}
	scheme := "http"
	args := []string{}
	if o := e.options; o.CertFile != "" {
		scheme = "https"
		args = append(args, "--cert-file="+o.CertFile, "--key-file="+o.KeyFile, "--client-cert-auth", "--trusted-ca-file="+o.ClientCAFile)
	}
	url := scheme + "://" + m.Address
	args = append(
		args, "--name="+m.name, "--data-dir="+m.dir, "--listen-client-urls="+url, "--advertise-client-urls="+url,
		"--listen-peer-urls="+m.peer, "--initial-advertise-peer-urls="+m.peer, "--initial-cluster="+e.initial(),
		"--initial-cluster-state=new", "--logger=zap", "--log-level=warn",
	)
	if m.restoredTo != "" {
		args = append(args, "--initial-cluster-token="+m.restoredTo)
	}
	cmd := exec.Command(e.binary, append(args, e.options.Args...)...)
	cmd.Env = append(os.Environ(), e.options.Env...)
	p := startProcess(e.t, m.name, m.logPath, cmd)
	m.mu.Lock()
	m.process = p
	m.mu.Unlock()
}

// Start starts a member that does not run, and waits until it takes requests.
func (m *EtcdMember) Start() {
	m.of.t.Helper()
	m.start()
	m.Await()
}

// Await waits until the member takes requests, which needs a majority of the members.
func (m *EtcdMember) Await() {
	t := m.of.t
	t.Helper()
	args := append(append([]string{"--endpoints=" + m.Address, "--command-timeout=1s", "--dial-timeout=1s"}, m.of.credentials()...), "get", "ready")
	if !Poll(t.Context(), func() bool {
		cmd := exec.CommandContext(t.Context(), filepath.Join(filepath.Dir(m.of.binary), "etcdctl"), args...)
		cmd.Env = append(os.Environ(), "ETCDCTL_API=3")
		return cmd.Run() == nil || !m.current().running()
	}) || !m.current().running() {
		t.Fatalf("%s does not take requests:\n%s", m.name, tail(m.log(), 20))
	}
}

// Kill ends the member with SIGKILL.
func (m *EtcdMember) Kill() {
	if p := m.current(); p != nil && p.running() {
		p.signal(syscall.SIGKILL)
	}
}

// Pause stops the member with SIGSTOP, and Continue lets it go on.
func (m *EtcdMember) Pause() { m.send(syscall.SIGSTOP) }

// Continue ends a pause.
func (m *EtcdMember) Continue() { m.send(syscall.SIGCONT) }

func (m *EtcdMember) send(s syscall.Signal) {
	if err := m.current().cmd.Process.Signal(s); err != nil {
		m.of.t.Fatalf("%s: %v", m.name, err)
	}
}

// leads says whether the member leads, as its own metrics say.
func (m *EtcdMember) leads() bool {
	if m.of.options.CertFile != "" {
		return false // the metrics need a certificate; no test asks for it
	}
	answer, err := http.Get("http://" + m.Address + "/metrics")
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	text := new(strings.Builder)
	if _, err := io.Copy(text, answer.Body); err != nil {
		return false
	}
	return strings.Contains(text.String(), "\netcd_server_is_leader 1")
}
