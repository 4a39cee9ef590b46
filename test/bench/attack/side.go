package attack

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/record"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/test/bench/proc"
	"github.com/wasm-xds/wasm-xds/test/bench/suite"
)

// filterName is the filter that the healthy Envoy runs.
const filterName = "healthy"

// side is a server with a healthy Envoy.
type side struct {
	dir    string
	server *suite.Server
	port   int
	n      int // edits so far
}

// start starts a server and a real Envoy.
func start(t harness.TB, binary, tmp string) (*side, error) {
	home, err := os.MkdirTemp(tmp, "")
	if err != nil {
		return nil, err
	}
	s := &side{dir: filepath.Join(home, "filters"), port: harness.FreePort(t)}
	if err := os.Mkdir(s.dir, 0o755); err != nil {
		return nil, err
	}
	spec := fmt.Sprintf("name: %s\nmodule: {file: ./module.wasm}\n", filterName)
	if err := os.WriteFile(filepath.Join(s.dir, "healthy.yaml"), []byte(spec), 0o644); err != nil {
		return nil, err
	}
	if err := s.write(); err != nil {
		return nil, err
	}
	if s.server, err = suite.StartServer(binary, s.dir, filepath.Join(home, "state"), filepath.Join(tmp, "wasm-xds.log")); err != nil {
		return nil, err
	}
	harness.StartEnvoy(t, harness.EnvoyOptions{Bootstrap: harness.Bootstrap{
		Mode: harness.ADSDelta, XDSAddress: s.server.XDS, ModulesAddress: s.server.Modules, NodeID: "healthy",
		HTTP: []harness.HTTPListener{{
			Name: "web", Port: s.port, Filters: harness.Filters(filterName), Upstream: harness.StartUpstream(t).Address(),
		}},
	}.YAML(t)}).WaitReady()
	return s, nil
}

func (s *side) close() {
	_ = s.server.Stop() // the measurement is complete, so an error does not matter
}

func (s *side) stamp() string { return "generation-" + strconv.Itoa(s.n) }

// write replaces the module.
func (s *side) write() error {
	code := testfilter.HTTP{Stamp: s.stamp(), Pad: 130_000}
	return suite.Replace(filepath.Join(s.dir, "module.wasm"), code.Module())
}

// edit replaces the module and returns the time to the first answer of the new.
func (s *side) edit(ctx context.Context) (time.Duration, error) {
	if err := suite.Rest(ctx, 500*time.Millisecond); err != nil {
		return 0, err
	}
	s.n++
	begin := time.Now()
	if err := s.write(); err != nil {
		return 0, err
	}
	want := s.stamp()
	err := suite.Await(ctx, s.port, want, func(a harness.Answer) bool { return a.Stamp() == want })
	return time.Since(begin), err
}

// warm makes edits until the server's history and caches are full, and returns the memory at rest.
// Further edits then add nothing, so a difference is the attack's.
func (s *side) warm(ctx context.Context, patience time.Duration) (float64, error) {
	const edits = record.DefaultLimit + 15
	for range edits {
		if _, err := s.edit(ctx); err != nil {
			return 0, err
		}
	}
	return s.rested(ctx, 0, min(patience, 45*time.Second))
}

// rested waits until the server's memory is at most so large, and returns the memory at the end.
func (s *side) rested(ctx context.Context, most float64, patience time.Duration) (float64, error) {
	for begin := time.Now(); ; {
		now, err := proc.RSS(s.server.PID())
		if err != nil || now <= most || time.Since(begin) > patience {
			return now, err
		}
		if err := suite.Rest(ctx, time.Second); err != nil {
			return now, err
		}
	}
}

// attacking is a running attacker.
type attacking struct {
	cmd      *exec.Cmd
	in       io.WriteCloser
	finished chan struct{}
	counts   chan string
}

// attack starts an attacker and returns when the attack is under way.
func (s *side) attack(ctx context.Context, attacker string, args []string) (*attacking, error) {
	a := &attacking{finished: make(chan struct{}), counts: make(chan string, 1)}
	admin := strings.TrimPrefix(s.server.Admin, "http://")
	// An attacker on another machine takes no CPU from the server and from Envoy.
	common := []string{"-nice", "19", "-filter", filterName, "-xds", s.server.XDS, "-modules", s.server.Modules, "-admin", admin}
	a.cmd = exec.CommandContext(ctx, attacker, append(common, args...)...)
	a.cmd.Stderr = os.Stderr
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if a.in, err = a.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := a.cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	go func() {
		defer close(a.counts)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			switch text := lines.Text(); text {
			case "ready":
				close(ready)
			case "finished":
				close(a.finished)
			default:
				a.counts <- text
			}
		}
	}()
	select {
	case <-ready:
	case <-time.After(time.Minute):
		// The server holds the attack off.
	case <-ctx.Done():
	}
	return a, ctx.Err()
}

// finish waits until an attack with an end has ended.
func (a *attacking) finish(ctx context.Context, patience time.Duration) {
	if !strings.Contains(strings.Join(a.cmd.Args, " "), "-most") {
		return
	}
	select {
	case <-a.finished:
	case <-time.After(patience):
	case <-ctx.Done():
	}
}

// stop ends the attack and returns its counts.
func (a *attacking) stop() (string, error) {
	_ = a.in.Close() // the attacker may have ended
	counts := <-a.counts
	return counts, a.cmd.Wait()
}
