package adopt_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/bootstraps"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

const page = "../../docs/adopting.md"

// part is a part of the page: the choice of the bootstrap, commands, or a piece of the output of
// the commands before.
var part = regexp.MustCompile("(?ms)^<!-- run: (\\S+) -->$|^```(sh|text)\n(.*?)^```$")

// Every command of docs/adopting.md works, and prints the output of the page.
func TestPage(t *testing.T) {
	t.Parallel()
	text := read(t, page)
	var s *session
	commands, output := 0, ""
	for _, m := range part.FindAllStringSubmatch(text, -1) {
		switch {
		case m[1] != "":
			if s != nil {
				s.end()
			}
			s = newSession(t, m[1])
		case m[2] == "sh":
			commands++
			output = s.run(m[3])
		default:
			s.expect(output, m[3])
		}
	}
	s.end()
	if blocks := strings.Count(text, "```sh"); commands != blocks || commands < 10 {
		t.Errorf("%d blocks of commands have run, of %d", commands, blocks)
	}
}

// session is a directory with an envoy.yaml and with specs, and the running processes.
type session struct {
	*world
	env     []string
	admin   string // of the control plane
	envoy   string // the admin port of Envoy
	started []*exec.Cmd
}

// newSession makes a directory with a bootstrap as envoy.yaml. All ports are other ones than on the
// page.
func newSession(t *testing.T, bootstrap string) *session {
	t.Helper()
	s := &session{world: newWorld(t, bootstrap)}
	s.admin, s.envoy = harness.Loopback(harness.FreePort(t)), harness.Loopback(harness.FreePort(t))
	s.at(9901, s.envoy)
	harness.WriteFile(t, filepath.Join(s.dir, "envoy.yaml"), []byte(s.adapt(bootstraps.Good()[bootstrap])))
	if bootstrap != "wasm.yaml" {
		harness.WriteFilter(t, filepath.Join(s.dir, "filters"), "auth", authModule(), "")
	}
	if bootstrap == "listeners.yaml" {
		harness.WriteFilter(t, filepath.Join(s.dir, "filters"), "tcp_log", testfilter.Network{}.Module(), "type: network\n")
	}
	// Envoy's own flags for tests are in a script with the name envoy.
	bin := filepath.Join(s.dir, "bin")
	envoy := fmt.Sprintf("#!/bin/sh\nexec %s --disable-hot-restart \"$@\"\n", harness.Envoy(t, ""))
	harness.WriteFile(t, filepath.Join(bin, "envoy"), []byte(envoy))
	must(t, os.Chmod(filepath.Join(bin, "envoy"), 0o755))
	must(t, os.Symlink(harness.BuildBinary(t), filepath.Join(bin, "wasm-xds")))
	s.at(18000, harness.Loopback(harness.FreePort(t)))
	s.at(18001, harness.Loopback(harness.FreePort(t)))
	s.env = append(os.Environ(),
		"PATH="+bin+":"+os.Getenv("PATH"), "HOME="+s.dir,
		"WASM_XDS_XDS_ADDRESS="+s.address(18000), "WASM_XDS_MODULES_ADDRESS="+s.address(18001), "WASM_XDS_ADMIN_ADDRESS="+s.admin,
		"WASM_XDS_STATE_DIR="+filepath.Join(s.dir, "state"),
	)
	t.Cleanup(s.end)
	return s
}

// run runs the commands of a block. A server runs until the end of the session, and is ready when
// run returns.
func (s *session) run(block string) string {
	s.t.Helper()
	var all strings.Builder
	for line := range strings.SplitSeq(strings.ReplaceAll(strings.TrimSpace(block), "\\\n", " "), "\n") {
		line = s.local(line)
		switch {
		case strings.HasPrefix(line, "wasm-xds serve"):
			s.start(line, "http://"+s.admin+"/readyz")
		case strings.HasPrefix(line, "envoy "):
			s.start(line, "http://"+s.envoy+"/ready")
		default:
			cmd := s.command(s.t.Context(), line)
			out, err := cmd.CombinedOutput()
			if err != nil {
				s.t.Fatalf("%s: %v\n%s", line, err, out)
			}
			all.Write(out)
		}
	}
	return all.String()
}

// local puts the ports of this test into a command.
func (s *session) local(line string) string {
	return strings.NewReplacer("0.0.0.0:18000", s.address(18000), "0.0.0.0:18001", s.address(18001)).Replace(line)
}

func (s *session) command(ctx context.Context, line string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "sh", "-c", "exec "+line)
	cmd.Dir, cmd.Env = s.dir, s.env
	if strings.HasPrefix(line, "wasm-xds doctor") && !strings.Contains(line, "--server") {
		// With the address of a server, doctor asks the server.
		cmd.Env = slices.DeleteFunc(slices.Clone(cmd.Env), func(v string) bool { return strings.HasPrefix(v, "WASM_XDS_ADMIN_ADDRESS=") })
	}
	return cmd
}

func (s *session) start(line, ready string) {
	s.t.Helper()
	cmd := s.command(context.Background(), line)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	must(s.t, cmd.Start())
	s.started = append(s.started, cmd)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if !harness.Poll(s.t.Context(), func() bool {
		res, err := client.Get(ready)
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	}) {
		s.t.Fatalf("%s is not ready", line)
	}
}

// end ends the servers.
func (s *session) end() {
	for _, cmd := range s.started {
		_ = cmd.Process.Signal(syscall.SIGTERM)
	}
	for _, cmd := range s.started {
		_ = cmd.Wait() // a signal has ended the process
	}
	s.started = nil
}

// expect expects the lines of a block in an output, in their order. Runs of spaces are alike.
func (s *session) expect(output, block string) {
	s.t.Helper()
	for port, here := range s.ports {
		output = strings.ReplaceAll(output, "127.0.0.1:"+here, fmt.Sprint("127.0.0.1:", port))
	}
	rest := squeezed(output)
	for line := range strings.SplitSeq(strings.TrimSpace(block), "\n") {
		_, after, ok := strings.Cut(rest, squeezed(line))
		if !ok {
			s.t.Errorf("the page shows %q, which is not in\n%s", line, output)
			return
		}
		rest = after
	}
}

func squeezed(text string) string { return strings.Join(strings.Fields(text), " ") }
