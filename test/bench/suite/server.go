package suite

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/wasm-xds/wasm-xds/test/bench/proc"
)

// Server is a running `wasm-xds serve`.
type Server struct {
	XDS, Modules, Admin string // XDS and Modules are host:port; Admin is a URL

	cmd  *exec.Cmd
	logs sync.WaitGroup
}

// StartServer starts the binary on free ports and waits until the server is ready. The log goes
// to the file at logPath.
func StartServer(binary, dir, stateDir, logPath string, args ...string) (*Server, error) {
	args = append([]string{
		"serve", dir, "--xds-address", "127.0.0.1:0", "--modules-address", "127.0.0.1:0",
		"--admin-address", "127.0.0.1:0", "--state-dir", stateDir, "--log-format", "json",
	}, args...)
	s := &Server{cmd: exec.Command(binary, args...)}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(logPath)
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	serving := make(chan error, 1)
	s.logs.Go(func() {
		defer log.Close()
		serving <- s.awaitAddresses(io.TeeReader(stderr, log))
		_, _ = io.Copy(log, stderr) // ends with the process
	})
	if err := <-serving; err != nil {
		return nil, errors.Join(fmt.Errorf("wasm-xds does not serve, see %s: %w", logPath, err), s.Stop())
	}
	return s, nil
}

// awaitAddresses reads the log up to the line with the server's addresses.
func (s *Server) awaitAddresses(log io.Reader) error {
	lines := bufio.NewReader(log)
	for {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			return err
		}
		var line struct{ Msg, XDS, Modules, Admin string }
		if json.Unmarshal(text, &line) == nil && line.XDS != "" {
			s.XDS, s.Modules, s.Admin = line.XDS, line.Modules, line.Admin
			return nil
		}
	}
}

// PID returns the process id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Idle waits until the server uses almost no CPU, so background writes are done.
func (s *Server) Idle(ctx context.Context) error {
	last, err := proc.CPU(s.PID())
	for quiet := 0; err == nil && quiet < 4; {
		if err := Rest(ctx, 50*time.Millisecond); err != nil {
			return err
		}
		var now time.Duration
		now, err = proc.CPU(s.PID())
		quiet++
		if now-last > 2*time.Millisecond {
			quiet = 0
		}
		last = now
	}
	return err
}

// Stop sends SIGTERM and waits for the end.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	s.logs.Wait()
	return s.cmd.Wait()
}

// Metric returns the value of a metric without labels.
func (s *Server) Metric(name string) (float64, error) {
	client := http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(s.Admin + "/metrics")
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("%s/metrics has no %s", s.Admin, name)
}
