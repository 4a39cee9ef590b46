package packaging

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// suite is the Debian of the tests.
const suite = "bookworm"

// machine is a bare Debian with systemd as process 1, in a container with the network of
// this machine.
type machine struct {
	t      *testing.T
	root   string
	leader int // the process id of its systemd
	env    []string
	page   map[string][]string // the commands of a page that are not run yet, by heading
}

// newRoot makes the directory of a bare Debian, with rpm beside dpkg. The first call downloads the
// packages.
func newRoot(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		program.NotTested(t, "only root can make a container")
	}
	archive := filepath.Join(program.Repository(), ".tools", "debian-"+suite+"-rpm.tar")
	if _, err := os.Stat(archive); err != nil {
		partial := fmt.Sprintf("%s.%d.tar", archive, os.Getpid())
		defer os.Remove(partial)
		run(t, nil, "mmdebstrap", "--quiet", "--variant=minbase", "--include=systemd,systemd-sysv,rpm", suite, partial)
		if err := os.Rename(partial, archive); err != nil {
			t.Fatal(err)
		}
	}
	root := t.TempDir()
	run(t, nil, "tar", "--extract", "--file", archive, "--directory", root, "--exclude=./dev/*")
	return root
}

// boot starts the machine, and waits until systemd has started everything.
func boot(t *testing.T, root string, binds ...string) *machine {
	t.Helper()
	console, err := os.Create(filepath.Join(t.TempDir(), "console"))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--quiet", "--directory", root, "--register=no", "--machine=wasm-xds-test-" + strconv.Itoa(os.Getpid()), "--boot"}
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		args = append(args, "--keep-unit") // there is no systemd outside to ask for a scope
	}
	for _, bind := range binds {
		args = append(args, "--bind-ro="+bind)
	}
	c := exec.Command("systemd-nspawn", args...)
	c.Env = append(os.Environ(), "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1")
	c.Stdout, c.Stderr, c.SysProcAttr = console, console, program.DieWithParent()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = c.Wait() // the end is a kill
		close(ended)
	}()
	m := &machine{t: t, root: root}
	t.Cleanup(func() {
		if m.leader != 0 {
			_ = exec.Command("kill", "-KILL", strconv.Itoa(m.leader)).Run() // ends all processes of the container
		}
		_ = c.Process.Kill()
		<-ended
		_ = console.Close()
		if t.Failed() {
			text, _ := os.ReadFile(console.Name())
			t.Logf("the end of the console:\n%s", text[max(0, len(text)-4096):])
		}
	})
	found := func() bool {
		m.leader = initOf(c.Process.Pid)
		return m.leader != 0
	}
	if !harness.Poll(t.Context(), found) {
		text, _ := os.ReadFile(console.Name())
		t.Fatalf("no systemd starts:\n%s", text)
	}
	m.wait("the boot", func() bool {
		out, _ := m.try("systemctl", "is-system-running")
		return strings.HasPrefix(out, "running") || strings.HasPrefix(out, "degraded")
	})
	return m
}

// initOf is the child of systemd-nspawn that is the container's process 1; 0: there is none yet.
func initOf(nspawn int) int {
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", nspawn))
	for text := range strings.FieldsSeq(string(children)) {
		name, _ := os.ReadFile("/proc/" + text + "/comm")
		if pid, err := strconv.Atoi(text); err == nil && strings.TrimSpace(string(name)) == "systemd" {
			return pid
		}
	}
	return 0
}

// try runs a command in the machine, and returns its output.
func (m *machine) try(command ...string) (string, error) {
	args := append([]string{
		"--target", strconv.Itoa(m.leader), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--", "env", "-i",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C",
	}, append(slices.Clone(m.env), command...)...)
	ctx, cancel := context.WithTimeout(m.t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "nsenter", args...).CombinedOutput()
	return string(out), err
}

// run runs a command in the machine, which must succeed.
func (m *machine) run(command ...string) string {
	m.t.Helper()
	out, err := m.try(command...)
	if err != nil {
		journal, _ := m.try("journalctl", "--no-pager", "--lines=60", "--output=cat", "--unit=wasm-xds*", "--unit=envoy*")
		m.t.Fatalf("%q: %v\n%s\n%s", command, err, out, journal)
	}
	return out
}

// property is a property of a unit.
func (m *machine) property(unit, name string) string {
	m.t.Helper()
	return strings.TrimSpace(m.run("systemctl", "show", "--value", "--property", name, unit))
}

// write writes a file in the machine.
func (m *machine) write(path string, data []byte) { writeBelow(m.t, m.root, path, data) }

func writeBelow(t *testing.T, root, path string, data []byte) {
	t.Helper()
	path = filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// path is a path of the machine as this process sees it.
func (m *machine) path(path string) string { return fmt.Sprintf("/proc/%d/root%s", m.leader, path) }

// has says whether a path is there.
func (m *machine) has(path string) bool {
	_, err := os.Lstat(m.path(path))
	return err == nil
}

// wait waits for a condition.
func (m *machine) wait(what string, ready func() bool) {
	m.t.Helper()
	if !harness.Poll(m.t.Context(), ready) {
		status, _ := m.try("systemctl", "--no-pager", "--full", "status", "wasm-xds.service")
		journal, _ := m.try("journalctl", "--no-pager", "--lines=60", "--output=cat")
		m.t.Fatalf("%s does not happen\n%s\n%s", what, status, journal)
	}
}

// run runs a command on this machine.
func run(t *testing.T, env []string, command ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), command[0], command[1:]...)
	c.Dir, c.Env = program.Repository(), append(os.Environ(), env...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		t.Fatalf("%q: %v\n%s", command, err, out.String())
	}
	return out.String()
}
