package harness

import (
	"bufio"
	"context"
	"os/exec"
	"syscall"
	"testing"
)

// DevRun is a running `wasm-xds dev`.
type DevRun struct {
	t     *testing.T
	cmd   *exec.Cmd
	Lines chan string // all output; closed at the end of dev
}

// StartDev starts `wasm-xds dev` with an Envoy of the default version, and with ports for Envoys
// that the system chooses. env nil: the environment of the test.
func StartDev(t *testing.T, env []string, dir string, args ...string) *DevRun {
	t.Helper()
	d := &DevRun{t: t, Lines: make(chan string, 10_000)}
	// The context stops a hanging test. Normally the run ends by an interrupt.
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	args = append([]string{"dev", dir, "--envoy", Envoy(t, "")}, args...)
	for _, flag := range []string{"--xds-address", "--modules-address", "--admin-address"} {
		args = append(args, flag, "127.0.0.1:0")
	}
	d.cmd = exec.CommandContext(ctx, BuildBinary(t), args...)
	d.cmd.Env = env
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.cmd.Stderr = d.cmd.Stdout
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(d.Lines)
		for text := bufio.NewScanner(out); text.Scan(); {
			d.Lines <- text.Text()
		}
	}()
	return d
}

// End interrupts dev and expects a clean exit.
func (d *DevRun) End() {
	d.t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGINT); err != nil {
		d.t.Error(err)
	}
	for range d.Lines { // until dev closes the output
	}
	if err := d.cmd.Wait(); err != nil {
		d.t.Errorf("dev ended with %v", err)
	}
}
