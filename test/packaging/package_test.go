package packaging

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// TestDebianPackage runs the commands of docs/install.md on a bare Debian with systemd. An Envoy on
// that machine gets a filter, and serves a load during the rest of the package's life: restart,
// reload, crash, hang, upgrade, downgrade, removal, installation again, and purge. No request is
// lost, none passes without the filter, and no connection to the sockets is refused.
func TestDebianPackage(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	buildContents(t)
	packages := makePackages(t, "deb", "1.0.0", "1.1.0")
	if again := makePackages(t, "deb", "1.0.0"); run(t, nil, "sha256sum", again[0])[:64] != run(t, nil, "sha256sum", packages[0])[:64] {
		t.Error("a package of the same files has other bytes")
	}
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
	m.rpms(t, admin)
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
		m.run("bash", "-c", "set -e; cd "+offered+"; "+commands)
	}
	m.page[heading] = nil
}

// offered is the directory of the machine with the packages.
const offered = "/opt/"

// offer puts a package into the directory offered, in place of other packages for Debian.
func (m *machine) offer(path string) {
	m.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		m.t.Fatal(err)
	}
	m.run("bash", "-c", "rm -f "+offered+"*.deb")
	m.write(offered+filepath.Base(path), data)
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
