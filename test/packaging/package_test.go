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
	if d.all == 0 || d.refused > 0 {
		t.Errorf("%s: %d of %d connections were refused: %v", what, d.refused, d.all, d.example)
	}
}

// TestDebianPackage runs the commands of docs/install.md on a bare Debian with systemd. An Envoy on
// that machine gets a filter, and serves a load during the rest of the package's life: restart,
// reload, crash, hang, upgrade, downgrade, removal, installation again, and purge. No request is
// lost, none passes without the filter, and no connection to the sockets is refused.
func TestDebianPackage(t *testing.T) {
	root := newRoot(t)
	packages := makePackages(t, "deb", "1.0.0", "1.1.0")
	admin := harness.Loopback(harness.FreePort(t))
	dropIn(t, root, "wasm-xds-admin.socket", "[Socket]\nListenStream=\nListenStream="+admin+"\n")
	dropIn(t, root, "wasm-xds.service", "[Service]\nWatchdogSec=3\n") // a test cannot wait for half a minute
	writeBelow(t, root, "/etc/apt/apt.conf.d/90yes", []byte(`APT::Get::Assume-Yes "true";`))
	m := boot(t, root, harness.Envoy(t, "")+":/usr/bin/envoy")
	m.page, m.env = commandsOf(t, "docs/install.md"), []string{"WASM_XDS_ADMIN_ADDRESS=" + admin}

	m.offer(packages[0])
	m.follow("A package")
	m.checkInstalled(admin)
	t.Log(strings.TrimSpace(last(m.run("systemd-analyze", "security", "--no-pager", "wasm-xds.service"))))

	load := m.startEnvoy(t)
	m.changes(t, admin, packages)
	result := load.MustBeClean()
	t.Log(result)
	if after := load.Stamps(); after["two"] == 0 {
		t.Errorf("the edit never reached the Envoy: %v", after)
	}
	for heading, blocks := range m.page {
		if len(blocks) > 0 {
			t.Errorf("docs/install.md: commands of %q were not run: %q", heading, blocks)
		}
	}
}

// commandsOf returns the blocks of commands on a page of the repository, by their headings.
func commandsOf(t *testing.T, page string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(program.Repository(), page))
	if err != nil {
		t.Fatal(err)
	}
	blocks, heading := map[string][]string{}, ""
	for i, part := range strings.Split(string(text), "```") {
		if i%2 == 0 {
			for line := range strings.Lines(part) {
				if title, ok := strings.CutPrefix(line, "## "); ok {
					heading = strings.TrimSpace(title)
				}
			}
			continue
		}
		if commands, ok := strings.CutPrefix(part, "sh\n"); ok {
			blocks[heading] = append(blocks[heading], commands)
		}
	}
	return blocks
}

// follow runs the commands below a heading of the page.
func (m *machine) follow(heading string) {
	m.t.Helper()
	if len(m.page[heading]) == 0 {
		m.t.Fatalf("the page has no commands below %q", heading)
	}
	for _, commands := range m.page[heading] {
		m.run("bash", "-c", "set -e; cd /root; "+commands)
	}
	m.page[heading] = nil
}

// offer puts one package into /root.
func (m *machine) offer(path string) {
	m.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		m.t.Fatal(err)
	}
	m.run("bash", "-c", "rm -f /root/*.deb")
	m.write("/root/"+filepath.Base(path), data)
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

// startEnvoy starts an Envoy as another user of the machine, adopts the Envoy, and starts a load.
func (m *machine) startEnvoy(t *testing.T) *harness.Load {
	t.Helper()
	m.run("useradd", "--system", "envoy")
	listener := harness.FreePort(t)
	m.write("/etc/envoy/envoy.yaml", fmt.Appendf(nil, plainEnvoy, listener, harness.FreePort(t), portOf(harness.StartUpstream(t).Address())))
	m.write("/etc/systemd/system/envoy.service", []byte("[Service]\nUser=envoy\nExecStart=/usr/bin/envoy -c /etc/envoy/envoy.yaml\n"))
	m.run("systemctl", "daemon-reload")
	m.run("systemctl", "start", "envoy")
	address := harness.Loopback(listener)
	m.wait("an answer without a filter", func() bool {
		answer, err := harness.TryGet(address, nil)
		return err == nil && answer.Status == http.StatusOK
	})
	if out, err := m.try("runuser", "-u", "envoy", "--", "wasm-xds", "status", "--admin-address", "unix:///run/wasm-xds/xds.sock"); err == nil ||
		!strings.Contains(out, "permission denied") {
		t.Errorf("a user that is not in the group connects: %v %s", err, out)
	}
	m.filter("one")
	m.follow("An Envoy on the same machine")
	m.wait("the filter", func() bool {
		answer, err := harness.TryGet(address, nil)
		return err == nil && answer.Stamp() == "one"
	})
	load := harness.StartLoad(t, harness.LoadOptions{Address: address})
	load.WaitRequests(100)
	return load
}

// portOf is the port of host:port.
func portOf(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

// plainEnvoy is an Envoy without any control plane. Its ports are those of the listener, of the
// admin interface and of the upstream.
const plainEnvoy = `
static_resources:
  listeners:
  - name: public
    address: {socket_address: {address: 127.0.0.1, port_value: %d}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: public
          route_config:
            virtual_hosts:
            - {name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: upstream}}]}
          http_filters:
          - name: envoy.filters.http.router # the last
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
  clusters:
  - name: upstream
    load_assignment:
      cluster_name: upstream
      endpoints:
      - lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %[3]s}}}}]
admin: {address: {socket_address: {address: 127.0.0.1, port_value: %[2]d}}}
`

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
	m.follow("Envoys on other machines")
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

	m.follow("Changes of the configuration")

	m.filter("two")
	m.offer(packages[1])
	upgrade, remove := m.page["Upgrade and removal"][:1], m.page["Upgrade and removal"][1:]
	m.page["Upgrade and removal"] = upgrade
	restarts("an upgrade", func() { m.follow("Upgrade and removal") })
	if version := m.run("dpkg-query", "--show", "--showformat=${Version}", "wasm-xds"); version != "1.1.0" {
		t.Errorf("version %s", version)
	}
	m.offer(packages[0])
	restarts("a downgrade", func() {
		m.run("apt-get", "install", "--quiet", "--allow-downgrades", "/root/"+filepath.Base(packages[0]))
	})

	m.page["Upgrade and removal"] = remove
	m.follow("Upgrade and removal")
	m.keeps("the removal", "/var/lib/private/wasm-xds/state.json", "/etc/wasm-xds/wasm-xds.yaml", "/etc/wasm-xds/filters/stamp.yaml")
	m.lacks("the removal", "/usr/bin/wasm-xds", "/run/wasm-xds/xds.sock", "/usr/lib/systemd/system/wasm-xds.service")
	if _, err := get(admin, "/readyz"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the server runs after the removal: %v", err)
	}
	m.offer(packages[1])
	m.run("apt-get", "install", "--quiet", "/root/"+filepath.Base(packages[1]))
	m.wait("the Envoy's return", func() bool {
		out, _ := m.try("wasm-xds", "status", "stamp", "--admin-address", admin, "--output", "json")
		return strings.Contains(out, `"state": "live"`)
	})
	if now, err := os.ReadFile(m.path("/etc/wasm-xds/wasm-xds.yaml")); err != nil || string(now) != string(mine) {
		t.Errorf("the configuration was changed: %v %s", err, now)
	}

	m.run("apt-get", "purge", "--quiet", "wasm-xds")
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
