package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// devRun is a running `wasm-xds dev` with an Envoy of its own.
type devRun struct {
	*harness.DevRun
	t   *testing.T
	dir string // directory of specs
	web string // address of Envoy's HTTP listener
}

func startDev(t *testing.T, dir string) *devRun {
	t.Helper()
	web := harness.Loopback(harness.FreePort(t))
	run := harness.StartDev(t, nil, dir, "--listen-address", web, "--tcp-listen-address", "127.0.0.1:0",
		"--envoy-admin-address", "127.0.0.1:0", "--upstream-address", "127.0.0.1:0")
	return &devRun{run, t, dir, web}
}

// wait returns the next line that contains all words.
func (d *devRun) wait(words ...string) string {
	d.t.Helper()
	var seen []string
	for line := range d.Lines {
		seen = append(seen, line)
		has := true
		for _, word := range words {
			has = has && strings.Contains(line, word)
		}
		if has {
			return line
		}
	}
	d.t.Fatalf("no line has %q:\n%s", words, strings.Join(seen, "\n"))
	return ""
}

// dev starts with a directory without a valid spec, waits for a fix, prints a line for each save,
// and adds a filter for each new spec.
func TestDev(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		harness.WriteFile(t, filepath.Join(dir, name), []byte(text))
	}
	write("auth.wasm", string(authModule("v1")))
	write("auth.yaml", "module: {file: auth.wasm}\nfailurepolicy: closed\n")
	d := startDev(t, dir)
	d.wait("auth.yaml:2:1: unknown field \"failurepolicy\"")
	d.wait("2 | failurepolicy: closed")
	d.wait("hint: did you mean \"failurePolicy\"?")

	write("auth.yaml", "module: {file: auth.wasm}\n")
	d.wait("Every filter is live:")
	d.wait("Ctrl-C ends it all")
	waitAnswer(t, d.web, withToken(), func(a harness.Answer) bool { return a.Status == http.StatusOK && a.Stamp() == "v1" })

	write("auth.wasm", string(authModule("v2")))
	d.wait("auth  live in ", " → ")
	waitAnswer(t, d.web, withToken(), func(a harness.Answer) bool { return a.Stamp() == "v2" })

	write("auth.wasm", "no Wasm at all")
	d.wait("auth.wasm is not Wasm")
	if a := waitAnswer(t, d.web, withToken(), func(harness.Answer) bool { return true }); a.Stamp() != "v2" {
		t.Errorf("the last good revision is gone: %+v", a)
	}
	write("auth.wasm", string(authModule("v2")))
	d.wait("no problem is left")

	// A second spec takes effect on requests without any restart. The removal of the spec undoes
	// the effect.
	write("second.wasm", string(tellModule("second")))
	write("second.yaml", "module: {file: second.wasm}\nconfig: hello\n")
	d.wait("second  live")
	waitAnswer(t, d.web, withToken(), func(a harness.Answer) bool { return strings.Contains(a.Stamp(), "second") })
	if err := os.Remove(filepath.Join(dir, "second.yaml")); err != nil {
		t.Fatal(err)
	}
	d.wait("second  its spec is gone")
	waitAnswer(t, d.web, withToken(), func(a harness.Answer) bool { return a.Stamp() == "v2" })
	d.End()
	if _, port, _ := strings.Cut(d.web, ":"); harness.Listening(number(t, port)) {
		t.Error("Envoy is still there")
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
