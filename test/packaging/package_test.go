package packaging

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

const nfpm = "github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2"

// makePackages makes packages of this tree, one for each version, and returns their paths.
func makePackages(t *testing.T, format string, versions ...string) []string {
	t.Helper()
	dir := t.TempDir()
	extras := filepath.Join(program.Repository(), "packaging", "generated")
	if err := WriteExtras(extras, program.Repository(), time.Unix(0, 0).UTC()); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(program.Repository(), "bin", "test", "wasm-xds-packaged")
	run(t, nil, "make", "--silent", "build", "BINARY="+binary)
	text, err := os.ReadFile(filepath.Join(program.Repository(), ".goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, version := range versions {
		config, err := NFPMConfig(text, Package{Version: version, Arch: runtime.GOARCH, Binary: binary, Date: time.Unix(0, 0)})
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, "nfpm-"+version+".yaml")
		if err := os.WriteFile(name, config, 0o600); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "wasm-xds_"+version+"."+format)
		run(t, nil, "go", "run", nfpm, "package", "--config", name, "--packager", format, "--target", path)
		paths = append(paths, path)
	}
	return paths
}

// dials counts the connections to an address, and the refused ones.
type dials struct {
	all, refused int
	example      error
}

// dial connects to an address again and again, until the test or the returned function ends. The
// kernel keeps 4096 connections for a server that is away, so there is a pause between two.
func dial(t *testing.T, network, address string) (stop func() dials) {
	ctx, cancel := context.WithCancel(t.Context())
	var d dials
	var done sync.WaitGroup
	done.Go(func() {
		pause := time.NewTicker(5 * time.Millisecond)
		defer pause.Stop()
		for ctx.Err() == nil {
			<-pause.C
			c, err := net.Dial(network, address)
			d.all++
			if err != nil {
				d.refused, d.example = d.refused+1, err
				continue
			}
			_ = c.Close()
		}
	})
	t.Cleanup(func() {
		cancel()
		done.Wait()
	})
	return func() dials {
		cancel()
		done.Wait()
		return d
	}
}

func (d dials) mustBeTaken(t *testing.T, what string) {
	t.Helper()
	t.Logf("%s: %d connections, %d refused", what, d.all, d.refused)
	if d.all < 10 || d.refused > 0 {
		t.Errorf("%s: %d of %d connections were refused: %v", what, d.refused, d.all, d.example)
	}
}

// TestDebianPackage installs the package on a bare Debian with systemd. An Envoy on that machine
// gets a filter, and serves a load during the rest of the life of the package: restart, reload,
// crash, hang, upgrade, downgrade, removal, installation again, and purge. No request is lost, none
// passes without the filter, and no connection to the sockets is refused.
func TestDebianPackage(t *testing.T) {
	root := newRoot(t)
	packages := makePackages(t, "deb", "1.0.0", "1.1.0")
	for _, path := range packages {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		writeBelow(t, root, "/root/"+filepath.Base(path), data)
	}
	admin := harness.Loopback(harness.FreePort(t))
	dropIn(t, root, "wasm-xds-admin.socket", "[Socket]\nListenStream=\nListenStream="+admin+"\n")
	dropIn(t, root, "wasm-xds.service", "[Service]\nWatchdogSec=3\n") // a test cannot wait for half a minute
	m := boot(t, root, harness.Envoy(t, "")+":/usr/bin/envoy")

	m.run("apt-get", "install", "--yes", "--quiet", "/root/"+filepath.Base(packages[0]))
	m.checkInstalled(admin)
	t.Log(strings.TrimSpace(last(m.run("systemd-analyze", "security", "--no-pager", "wasm-xds.service"))))

	load := m.startEnvoy(t)
	m.changes(t, admin, packages)
	result := load.MustBeClean()
	t.Log(result)
	if after := load.Stamps(); after["two"] == 0 {
		t.Errorf("the edit never reached the Envoy: %v", after)
	}
}

func dropIn(t *testing.T, root, unit, text string) {
	t.Helper()
	writeBelow(t, root, "/etc/systemd/system/"+unit+".d/test.conf", []byte(text))
}

func last(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// checkInstalled looks at the machine after the first installation.
func (m *machine) checkInstalled(admin string) {
	m.t.Helper()
	if state := m.property("wasm-xds.service", "ActiveState"); state != "active" { // Type=notify: it is ready
		m.t.Fatalf("the service is %s:\n%s", state, m.run("journalctl", "--no-pager", "--unit=wasm-xds"))
	}
	if text := m.property("wasm-xds.service", "StatusText"); !strings.HasPrefix(text, "filters: 0") {
		m.t.Errorf("the status is %q", text)
	}
	for path, want := range map[string]string{
		"/run/wasm-xds":              "root:root 755",
		"/run/wasm-xds/xds.sock":     "wasm-xds:wasm-xds-envoy 660",
		"/run/wasm-xds/modules.sock": "wasm-xds:wasm-xds-envoy 660",
		"/run/wasm-xds/server":       "wasm-xds:wasm-xds 755",
		"/etc/wasm-xds/filters":      "root:root 755",
		"/var/lib/private/wasm-xds":  "wasm-xds:wasm-xds 700",
		"/var/log/private/wasm-xds":  "wasm-xds:wasm-xds 750",
	} {
		if got := strings.TrimSpace(m.run("stat", "--format=%U:%G %a", path)); got != want {
			m.t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	if status, err := get(admin, "/readyz"); err != nil || status != http.StatusOK {
		m.t.Errorf("the API: %d, %v", status, err)
	}
	m.run("wasm-xds", "status", "--admin-address", admin)
	m.run("wasm-xds", "version")
	if out := m.run("systemd-analyze", "verify", "--man=no", "wasm-xds.service"); strings.Contains(out, "wasm-xds") {
		m.t.Errorf("systemd says: %s", out)
	}
	for _, page := range []string{"/usr/share/man/man1/wasm-xds-serve.1.gz", "/usr/share/bash-completion/completions/wasm-xds"} {
		// minbase keeps man pages, but a slim image drops them
		if !m.has(page) {
			m.t.Errorf("%s is missing", page)
		}
	}
}

func get(address, path string) (int, error) {
	client := http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	answer, err := client.Get("http://" + address + path)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// startEnvoy starts an Envoy as another user of the machine, with a filter that the server gets
// afterwards, and a load.
func (m *machine) startEnvoy(t *testing.T) *harness.Load {
	t.Helper()
	m.run("useradd", "--system", "envoy")
	listener, envoyAdmin := harness.Loopback(harness.FreePort(t)), harness.Loopback(harness.FreePort(t))
	m.filter("one")
	m.write("/etc/envoy/envoy.yaml", []byte(m.run("wasm-xds", "bootstrap", "/etc/wasm-xds/filters",
		"--xds-address", "unix:///run/wasm-xds/xds.sock", "--modules-address", "unix:///run/wasm-xds/modules.sock",
		"--listen-address", listener, "--envoy-admin-address", envoyAdmin, "--upstream-address", harness.StartUpstream(t).Address())))
	m.write("/etc/systemd/system/envoy.service", []byte("[Service]\nUser=envoy\nExecStart=/usr/bin/envoy -c /etc/envoy/envoy.yaml\n"))
	if out, err := m.try("runuser", "-u", "envoy", "--", "wasm-xds", "status", "--admin-address", "unix:///run/wasm-xds/xds.sock"); err == nil ||
		!strings.Contains(out, "permission denied") {
		t.Errorf("a user that is not in the group connects: %v %s", err, out)
	}
	m.run("usermod", "--append", "--groups", "wasm-xds-envoy", "envoy")
	m.run("systemctl", "daemon-reload")
	m.run("systemctl", "start", "envoy")
	m.wait("the filter", func() bool {
		answer, err := harness.TryGet(listener, nil)
		return err == nil && answer.Stamp() == "one"
	})
	load := harness.StartLoad(t, harness.LoadOptions{Address: listener})
	load.WaitRequests(100)
	return load
}

// filter writes the spec and the module of the filter.
func (m *machine) filter(stamp string) {
	m.write("/etc/wasm-xds/filters/"+stamp+".wasm", testfilter.HTTP{Stamp: stamp}.Module())
	path := m.path("/etc/wasm-xds/filters/stamp.yaml")
	if err := os.WriteFile(path+".new", fmt.Appendf(nil, "name: stamp\nmodule: {file: %s.wasm}\n", stamp), 0o644); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		m.t.Fatal(err)
	}
}

// changes goes through the life of the package.
func (m *machine) changes(t *testing.T, admin string, packages []string) {
	t.Helper()
	pid := func() string { return m.property("wasm-xds.service", "MainPID") }
	restarts := func(what string, change func()) {
		t.Helper()
		before := pid()
		tcp, unix := dial(t, "tcp", admin), dial(t, "unix", m.path("/run/wasm-xds/modules.sock"))
		change()
		m.wait(what, func() bool {
			return m.property("wasm-xds.service", "ActiveState") == "active" && pid() != before && pid() != "0"
		})
		tcp().mustBeTaken(t, what+", TCP")
		unix().mustBeTaken(t, what+", Unix socket")
	}
	restarts("a restart", func() { m.run("systemctl", "restart", "wasm-xds") })
	restarts("a crash", func() { m.run("systemctl", "kill", "--signal=KILL", "wasm-xds") })
	restarts("a hang", func() { m.run("systemctl", "kill", "--signal=STOP", "wasm-xds") }) // the watchdog ends it

	before := pid()
	m.run("systemctl", "reload", "wasm-xds")
	m.wait("the end of the reload", func() bool { return m.property("wasm-xds.service", "ActiveState") == "active" })
	m.write("/etc/wasm-xds/wasm-xds.yaml", []byte("# mine\nsources: [/etc/wasm-xds/filters]\nrescam: 5s\n"))
	if out, err := m.try("systemctl", "reload", "wasm-xds"); err == nil {
		t.Errorf("a reload with a mistake in the configuration succeeds: %s", out)
	}
	if journal := m.run("journalctl", "--no-pager", "--unit=wasm-xds", "--output=cat"); !strings.Contains(journal, `wasm-xds.yaml:3:1: unknown setting "rescam"`) ||
		!strings.Contains(journal, "everything was read again") {
		t.Errorf("the journal:\n%s", journal)
	}
	if now := pid(); now != before {
		t.Errorf("a reload has restarted the server: %s, and before %s", now, before)
	}
	mine := []byte("# mine\nsources: [/etc/wasm-xds/filters]\nrescan: 5s\n")
	m.write("/etc/wasm-xds/wasm-xds.yaml", mine)

	m.filter("two")
	restarts("an upgrade", func() { m.run("apt-get", "install", "--yes", "--quiet", "/root/"+filepath.Base(packages[1])) })
	if version := m.run("dpkg-query", "--show", "--showformat=${Version}", "wasm-xds"); version != "1.1.0" {
		t.Errorf("version %s", version)
	}
	restarts("a downgrade", func() {
		m.run("apt-get", "install", "--yes", "--quiet", "--allow-downgrades", "/root/"+filepath.Base(packages[0]))
	})

	m.run("apt-get", "remove", "--yes", "--quiet", "wasm-xds")
	m.keeps("the removal", "/var/lib/private/wasm-xds/state.json", "/etc/wasm-xds/wasm-xds.yaml", "/etc/wasm-xds/filters/stamp.yaml")
	m.lacks("the removal", "/usr/bin/wasm-xds", "/run/wasm-xds/xds.sock", "/usr/lib/systemd/system/wasm-xds.service")
	if _, err := get(admin, "/readyz"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the server runs after the removal: %v", err)
	}
	m.run("apt-get", "install", "--yes", "--quiet", "/root/"+filepath.Base(packages[1]))
	m.wait("the Envoy's return", func() bool {
		out, _ := m.try("wasm-xds", "status", "stamp", "--admin-address", admin, "--output", "json")
		return strings.Contains(out, `"state": "live"`)
	})
	if now, err := os.ReadFile(m.path("/etc/wasm-xds/wasm-xds.yaml")); err != nil || string(now) != string(mine) {
		t.Errorf("the configuration was changed: %v %s", err, now)
	}

	m.run("apt-get", "purge", "--yes", "--quiet", "wasm-xds")
	m.keeps("the purge", "/etc/wasm-xds/filters/stamp.yaml", "/etc/wasm-xds/filters/two.wasm")
	m.lacks("the purge", "/var/lib/private/wasm-xds", "/var/lib/wasm-xds", "/var/log/private/wasm-xds", "/run/wasm-xds",
		"/etc/wasm-xds/wasm-xds.yaml", "/etc/systemd/system/multi-user.target.wants/wasm-xds.service")
	if out, err := m.try("dpkg-query", "--show", "wasm-xds"); err == nil {
		t.Errorf("the package is still known: %s", out)
	}
}

func (m *machine) keeps(what string, paths ...string) {
	m.t.Helper()
	for _, path := range paths {
		if !m.has(path) {
			m.t.Errorf("%s has removed %s", what, path)
		}
	}
}

func (m *machine) lacks(what string, paths ...string) {
	m.t.Helper()
	for _, path := range paths {
		if m.has(path) {
			m.t.Errorf("%s has left %s", what, path)
		}
	}
}
