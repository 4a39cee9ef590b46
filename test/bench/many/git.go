package many

import (
	"fmt"
	"os/exec"
)

// commitTwo makes dir a git repository with the branches first and second, and checks out first.
// change makes the changes of the branch second.
func commitTwo(dir string, change func() error) error {
	steps := func(all ...[]string) error {
		for _, args := range all {
			if err := git(dir, args...); err != nil {
				return err
			}
		}
		return nil
	}
	if err := steps([]string{"init", "--quiet", "--initial-branch=first"}, []string{"add", "--all"},
		[]string{"commit", "--quiet", "--message=first"}, []string{"checkout", "--quiet", "-b", "second"}); err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	return steps([]string{"commit", "--quiet", "--all", "--message=second"}, []string{"checkout", "--quiet", "first"})
}

// git runs git in dir.
func git(dir string, args ...string) error {
	args = append([]string{
		"-C", dir, "-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0",
	}, args...)
	if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w\n%s", args[8], err, out)
	}
	return nil
}
