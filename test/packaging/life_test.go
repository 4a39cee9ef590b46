package packaging

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

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
		m.run("apt-get", "install", "--quiet", "--allow-downgrades", offered+filepath.Base(packages[0]))
	})

	m.page["Upgrade and removal"] = remove
	m.follow("Upgrade and removal")
	m.keeps("the removal", "/var/lib/private/wasm-xds/state.json", "/etc/wasm-xds/wasm-xds.yaml", "/etc/wasm-xds/filters/stamp.yaml")
	m.lacks("the removal", "/usr/bin/wasm-xds", "/run/wasm-xds/xds.sock", "/usr/lib/systemd/system/wasm-xds.service")
	if _, err := get(admin, "/readyz"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the server runs after the removal: %v", err)
	}
	m.offer(packages[1])
	m.run("apt-get", "install", "--quiet", offered+filepath.Base(packages[1]))
	m.wait("the Envoy's return", func() bool { return m.live(admin) })
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

// rpms goes through the life of the other package. This Debian has rpm, so the scripts of the
// package run, and systemd is the same as on Fedora.
func (m *machine) rpms(t *testing.T, admin string) {
	t.Helper()
	packages := makePackages(t, "rpm", "1.0.0", "1.1.0")
	rpm := func(args ...string) string {
		t.Helper()
		return m.run(append([]string{"rpm", "--nodeps", "--force-debian"}, args...)...)
	}
	for _, path := range packages {
		m.offer(path)
	}
	rpm("--install", offered+filepath.Base(packages[0]))
	if out := m.run("systemctl", "is-enabled", "wasm-xds.service", "wasm-xds-xds.socket"); out != "enabled\nenabled\n" { // by Debian's preset
		t.Errorf("the units are %s", out)
	}
	if state := m.property("wasm-xds.service", "ActiveState"); state != "inactive" { // the administrator starts it
		t.Errorf("the service is %s", state)
	}
	m.run("systemctl", "start", "wasm-xds")
	m.wait("the Envoy's return", func() bool { return m.live(admin) })

	m.write("/etc/wasm-xds/wasm-xds.yaml", []byte("# mine\nsources: [/etc/wasm-xds/filters]\n"))
	before, tcp := m.property("wasm-xds.service", "MainPID"), dial(t, "tcp", admin)
	rpm("--upgrade", offered+filepath.Base(packages[1]))
	m.wait("the upgrade's restart", func() bool { return m.property("wasm-xds.service", "MainPID") != before && m.live(admin) })
	tcp().mustBeTaken(t, "an upgrade of the rpm, TCP")
	if now, err := os.ReadFile(m.path("/etc/wasm-xds/wasm-xds.yaml")); err != nil || !strings.HasPrefix(string(now), "# mine") {
		t.Errorf("the configuration was changed: %v %s", err, now)
	}

	rpm("--erase", "wasm-xds")
	m.keeps("the removal of the rpm", "/var/lib/private/wasm-xds/state.json", "/etc/wasm-xds/wasm-xds.yaml.rpmsave", "/etc/wasm-xds/filters/stamp.yaml")
	m.lacks("the removal of the rpm", "/usr/bin/wasm-xds", "/run/wasm-xds/xds.sock", "/usr/lib/systemd/system/wasm-xds.service",
		"/etc/systemd/system/multi-user.target.wants/wasm-xds.service")
}
