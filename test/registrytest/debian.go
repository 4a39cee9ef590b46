package registrytest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Debian starts Debian's docker-registry, an older release of distribution that
// many run, with its files in a directory of the test's. It fails the test where
// the package is not installed: .ci/run installs it.
func Debian(t testing.TB) *Registry {
	t.Helper()
	program, err := exec.LookPath("docker-registry")
	if err != nil {
		t.Fatal("there is no docker-registry: install Debian's package of this name (apt-get install docker-registry)")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf(`version: 0.1
log: {level: info}
storage:
  filesystem: {rootdirectory: %s}
  delete: {enabled: true}
http:
  addr: 127.0.0.1:0
  secret: not a secret
`, filepath.Join(dir, "data"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "serve", config)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	output, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(address)
		lines := bufio.NewScanner(output)
		for lines.Scan() {
			if host := listeningOn(lines.Text()); host != "" {
				address <- host
				break
			}
		}
		_, _ = io.Copy(io.Discard, output) // so that it never waits for us
	})
	t.Cleanup(func() {
		cancel()
		reading.Wait()
		_ = cmd.Wait() // it was stopped: there is nothing to hear
	})
	host, ok := <-address
	if !ok {
		t.Fatal("docker-registry ended without listening")
	}
	r := &Registry{Host: host}
	waitUntilUp(t, host)
	return r
}

// listeningOn finds the address in the line that says it.
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

func waitUntilUp(t testing.TB, host string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+"/v2/", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("docker-registry answers %s", response.Status)
	}
}
