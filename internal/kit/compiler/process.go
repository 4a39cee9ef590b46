package compiler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// grace is how long a cancelled compiler may take to end.
const grace = 2 * time.Second

// run runs a command in a directory. The messages go to c.Output unchanged, and so does the
// standard output, unless stdout is another place. When ctx ends, the command and all of
// the children end.
func (c *Compiler) run(ctx context.Context, dir string, env []string, stdout io.Writer, name string, args ...string) error {
	if stdout == nil {
		stdout = c.Output
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = stdout, c.Output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = grace
	err := cmd.Run()
	if ctx.Err() != nil {
		if cmd.Process != nil {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // children that have not ended by themselves
		}
		return ctx.Err()
	}
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // a daemon of the compiler may run on
		return nil
	case errors.As(err, &exit):
		return &spec.Error{Code: CodeFailed, Message: fmt.Sprintf("%s has failed: %s", described(name, args), exit), Hint: "see its messages above; the last good module is unchanged"}
	default:
		return &spec.Error{Code: CodeFailed, Message: err.Error()}
	}
}

// described is the command in a few words: the name and the first argument.
func described(name string, args []string) string {
	name = filepath.Base(name)
	switch {
	case name == "sh":
		return "the build command (" + args[1] + ")"
	case len(args) == 0 || strings.HasPrefix(args[0], "-"):
		return name
	default:
		return name + " " + args[0]
	}
}
