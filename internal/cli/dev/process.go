package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
)

// envoyGrace is how long Envoy may take to end.
const envoyGrace = 5 * time.Second

// envoyRun is a run of Envoy.
type envoyRun struct {
	binary, config, log string
	show                io.Writer // gets the important lines of the log
}

// withEnvoy runs Envoy and do until ctx ends, which is not an error. The end of Envoy itself is
// an error. An error of do ends Envoy, too.
func withEnvoy(ctx context.Context, run envoyRun, do func(context.Context) error) error {
	file, err := os.OpenFile(run.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	tee := &envoyLog{file: file, show: run.show}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	ended, done := make(chan error, 1), make(chan error, 1)
	go func() { ended <- run.exec(inner, tee) }()
	go func() {
		err := do(inner)
		if err != nil {
			cancel()
		}
		done <- err
	}()
	err = <-ended
	early := inner.Err() == nil // Envoy ended by itself
	cancel()
	doErr := <-done
	switch {
	case ctx.Err() != nil:
		return nil
	case early:
		return command.Failure("envoy_ended", fmt.Sprintf("Envoy has ended: %v", err), "its last words: "+tee.last)
	default:
		return doErr
	}
}

// exec runs Envoy. The thread stays locked, because Linux ends the child with the thread that
// started the child, see [childAttributes].
func (run envoyRun) exec(ctx context.Context, log *envoyLog) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// A replaced listener still asks for its former filters while the listener drains, by default
	// for ten minutes.
	c := exec.CommandContext(ctx, run.binary, "-c", run.config, "--disable-hot-restart", "--concurrency", "2", "--drain-time-s", "2",
		"-l", "info", "--log-format", "[%Y-%m-%d %T.%e][%l][%n] %v")
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr = childAttributes()
	c.Cancel = func() error {
		log.quiet.Store(true) // the log of Envoy's shutdown is of no interest
		return c.Process.Signal(syscall.SIGTERM)
	}
	c.WaitDelay = envoyGrace
	err := c.Run()
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}
