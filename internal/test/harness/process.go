package harness

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"

	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// process is a child process with its output in a file.
type process struct {
	t       TB
	what    string
	logPath string
	cmd     *exec.Cmd
	exited  chan struct{} // closed once the child is gone and reaped

	mu       sync.Mutex
	expected bool // the test has ended the process
}

// startProcess starts a child and appends its output to a file. If the child ends unexpectedly, the
// test fails and shows the end of the output.
func startProcess(t TB, what, logPath string, cmd *exec.Cmd) *process {
	t.Helper()
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatalf("start %s: %v", what, err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	attributes := program.DieWithParent()
	if cmd.SysProcAttr != nil {
		attributes.Credential = cmd.SysProcAttr.Credential
	}
	cmd.SysProcAttr = attributes
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", what, err)
	}
	p := &process{t: t, what: what, logPath: logPath, cmd: cmd, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // cmd.ProcessState has the result
		close(p.exited)
	}()
	return p
}

// signal sends a signal to the child and waits for the end.
func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	p.expected = true
	p.mu.Unlock()
	_ = p.cmd.Process.Signal(s) // the child may have ended already
	<-p.exited
}

// finish ends the child in any state, and reports an unexpected end.
func (p *process) finish() {
	select {
	case <-p.exited:
		p.mu.Lock()
		expected := p.expected
		p.mu.Unlock()
		if !expected {
			p.t.Errorf("%s ended by itself: %v\n%s", p.what, p.cmd.ProcessState, tail(p.log(), 40))
		}
	default:
		p.signal(syscall.SIGKILL)
	}
}

func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

func (p *process) log() string {
	text, err := os.ReadFile(p.logPath)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// tail returns the last lines of a text.
func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
