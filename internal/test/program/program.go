// Package program builds and starts the programs that tests run.
package program

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
)

// Repository is the directory of the root module's go.mod. The path comes from this
// file's own place, so the result does not depend on the directory a test runs in.
func Repository() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}

// Build builds a package of the module in dir, which is relative to the repository, and returns the
// path of the binary: bin/test/NAME. Git ignores bin/. The go command keeps a binary that is up to
// date, and replaces another one in one step. Processes that build the same name at the same time
// wait for each other.
func Build(dir, pkg, name string, flags ...string) (string, error) {
	bin := filepath.Join(Repository(), "bin", "test")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(bin, name)
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return "", err
	}
	defer lock.Close() // ends the lock
	for err = syscall.EINTR; errors.Is(err, syscall.EINTR); {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		return "", fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	args := append([]string{"build"}, flags...)
	cmd := exec.Command("go", append(args, "-o", path, pkg)...)
	cmd.Dir = filepath.Join(Repository(), dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s in %s: %w\n%s", pkg, cmd.Dir, err, out)
	}
	return path, nil
}
