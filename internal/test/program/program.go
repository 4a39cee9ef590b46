// Package program builds and starts the programs that tests run.
package program

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Repository is the directory of the root module's go.mod. The path comes from this
// file's own place, so the result does not depend on the directory a test runs in.
func Repository() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}

// Build builds a package of the module in dir, which is relative to the repository,
// and returns the path of the binary: bin/test/NAME. Git ignores bin/, and go's own
// cache keeps a second build cheap. Several processes may build the same name at the
// same time: each sees a whole file.
func Build(dir, pkg, name string, flags ...string) (string, error) {
	bin := filepath.Join(Repository(), "bin", "test")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(bin, name)
	partial := fmt.Sprintf("%s.%d", path, os.Getpid())
	args := append([]string{"build"}, flags...)
	cmd := exec.Command("go", append(args, "-o", partial, pkg)...)
	cmd.Dir = filepath.Join(Repository(), dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s in %s: %w\n%s", pkg, cmd.Dir, err, out)
	}
	if err := os.Rename(partial, path); err != nil {
		return "", err
	}
	return path, nil
}
