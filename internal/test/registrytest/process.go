package registrytest

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// distribution builds distribution's registry once per process. The source is in the module of the
// tests, so this module does not need its dependencies.
var distribution = sync.OnceValues(func() (string, error) { return program.Build("test", "./registry", "registry") })

// config is the configuration file of a registry:
// https://distribution.github.io/distribution/about/configuration/
type config map[string]any

// newConfig returns the configuration of a registry with blobs in memory and a port of its own.
func newConfig() config {
	return config{
		"version": "0.1",
		"log":     config{"level": "info", "accesslog": config{"disabled": true}},
		"storage": config{
			"inmemory": config{}, "delete": config{"enabled": true},
			"maintenance": config{"uploadpurging": config{"enabled": false}},
		},
		"http": config{"addr": "127.0.0.1:0", "secret": "not a secret: it only signs the state of uploads"},
		// Tests push indexes with missing entries.
		"validation": config{"disabled": true},
		"catalog":    config{"maxentries": 1000},
	}
}

// run starts a registry's process, which ends with the test, and returns the address, host:port.
func run(t testing.TB, path string, c config) string {
	t.Helper()
	text, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "config.yml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "serve", file)
	cmd.Env = append(os.Environ(), "OTEL_TRACES_EXPORTER=none") // otherwise the process looks for a collector
	cmd.SysProcAttr = program.DieWithParent()
	output, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address, said := make(chan string, 1), new(strings.Builder)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(address)
		lines := bufio.NewScanner(output)
		for lines.Scan() {
			if host := listeningOn(lines.Text()); host != "" {
				address <- host
				break
			}
			said.WriteString(lines.Text() + "\n")
		}
		_, _ = io.Copy(io.Discard, output) // a full pipe would stop the process
	})
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // the process may have ended already
		timer := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
		reading.Wait()
		_ = cmd.Wait() // an end by a signal is expected
	})
	host, ok := <-address
	if !ok {
		t.Fatalf("%s ended without listening:\n%s", path, said)
	}
	return host
}

// listeningOn finds the address in a log line.
func listeningOn(line string) string {
	_, rest, ok := strings.Cut(line, "listening on ")
	if !ok {
		return ""
	}
	host := strings.Trim(strings.FieldsFunc(rest, func(r rune) bool { return r == '"' || r == ' ' })[0], ",")
	if _, _, err := net.SplitHostPort(host); err != nil {
		return ""
	}
	return host
}
