package state

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// childDir makes the test binary act as the other process, on this directory.
const childDir = "WASM_XDS_TEST_STATE_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		saveForEver(dir)
	}
	os.Exit(m.Run())
}

// saveForEver saves contents of changing size until the test kills the process. Without a parent,
// the process ends when nobody reads its output.
func saveForEver(dir string) {
	d, err := Open(dir, Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for i := 0; ; i++ {
		content := strings.Repeat(fmt.Sprintln(i), i%1000+1)
		if err := d.Save("x", []byte(content)); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		if _, err := fmt.Println("saved", i); err != nil {
			os.Exit(1)
		}
	}
}

// startChild starts the other process and waits for its first save.
func startChild(t *testing.T, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = child.Process.Kill() // the process may be dead already
		_ = child.Wait()
	})
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "saved 0" {
		t.Fatalf("the other process says %q", lines.Text())
	}
	return child, lines
}

func TestKilledWhileSaving(t *testing.T) {
	dir := t.TempDir()
	for round := range 10 {
		child, lines := startChild(t, dir)
		last := lines.Text()
		for range 10 * round {
			if !lines.Scan() {
				t.Fatal("the other process ended")
			}
			last = lines.Text()
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // the error says that the process was killed

		// The lock ended with the process. The last reported save, or a newer save, is complete.
		d := openDir(t, dir)
		got, err := d.Load("x")
		if err != nil {
			t.Fatal(err)
		}
		var said, found int
		if _, err := fmt.Sscanf(last, "saved %d", &said); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscan(string(got), &found); err != nil || found < said {
			t.Fatalf("found %d, %v, but %d was saved", found, err, said)
		}
		wantNames(t, dir, "lock", "x")
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLockedByAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	child, _ := startChild(t, dir)
	wantLocked(t, dir, child.Process.Pid)
}

func TestLockedInThisProcess(t *testing.T) {
	dir := t.TempDir()
	openDir(t, dir)
	wantLocked(t, dir, os.Getpid())
}

func wantLocked(t *testing.T, dir string, pid int) {
	t.Helper()
	_, err := Open(dir, Options{})
	var locked *LockedError
	if !errors.Is(err, ErrLocked) || !errors.As(err, &locked) {
		t.Fatalf("got %v, want ErrLocked", err)
	}
	if locked.PID != pid || locked.Dir != dir {
		t.Errorf("held by %d on %s, want %d on %s", locked.PID, locked.Dir, pid, dir)
	}
	for _, want := range []string{dir, fmt.Sprint(pid), "--state-dir"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

func TestLockFileThatIsNotOurs(t *testing.T) {
	for _, content := range []string{"", "not a number", "-1", strings.Repeat("9", 100)} {
		dir := t.TempDir()
		d := openDir(t, dir)
		if err := os.WriteFile(d.Path(lockName), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		var locked *LockedError
		if _, err := Open(dir, Options{}); !errors.As(err, &locked) || locked.PID != 0 {
			t.Errorf("with %q: %v", content, err)
		}
	}
}

func TestLockFileThatWasRemoved(t *testing.T) {
	// A file removed after the open protects nothing: isAt notices the removal.
	d := openDir(t, t.TempDir())
	if !isAt(d.lock.file, d.Path(lockName)) {
		t.Error("the lock file is not where it should be")
	}
	if err := os.Remove(d.Path(lockName)); err != nil {
		t.Fatal(err)
	}
	if isAt(d.lock.file, d.Path(lockName)) {
		t.Error("a removed lock file counts")
	}
}

// Without its lock file, the directory of a running server is locked all the same.
func TestLockedWithoutTheLockFile(t *testing.T) {
	dir := t.TempDir()
	d := openDir(t, dir)
	if err := os.Remove(d.Path(lockName)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) {
			t.Fatalf("got %v, want ErrLocked", err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	openDir(t, dir)
}
