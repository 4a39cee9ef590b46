package many

import (
	"fmt"
	"os"
	"os/exec"
)

// commitTwo makes the directory a git repository with the branches first and second, and checks
// out first.
func (d *directory) commitTwo() error {
	steps := func(all ...[]string) error {
		for _, args := range all {
			if err := d.git(args...); err != nil {
				return err
			}
		}
		return nil
	}
	if err := steps([]string{"init", "--quiet", "--initial-branch=first"}, []string{"add", "--all"},
		[]string{"commit", "--quiet", "--message=first"}, []string{"checkout", "--quiet", "-b", "second"}); err != nil {
		return err
	}
	for i := range d.checkout {
		if err := os.WriteFile(d.path(i), d.text(i, "second"), 0o644); err != nil {
			return err
		}
	}
	return steps([]string{"commit", "--quiet", "--all", "--message=second"}, []string{"checkout", "--quiet", "first"})
}

func (d *directory) git(args ...string) error {
	args = append([]string{
		"-C", d.dir, "-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0",
	}, args...)
	if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w\n%s", args[8], err, out)
	}
	return nil
}
