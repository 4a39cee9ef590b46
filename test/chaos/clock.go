package chaos

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// The server is built with a clock that a file steps. The server has no C library, so no other
// library can replace the clock's functions, and a time namespace moves only the monotonic clock.
// The build therefore replaces Go's package time by a copy that adds the file's offset to each
// reading of the wall clock, like a step of the machine's clock. The monotonic clock goes on
// evenly, as after such a step. The product itself has no hook for the clock.
const (
	clockVariable = "CHAOS_CLOCK"
	realNow       = "sec, nsec, mono := runtimeNow()"
	steppedNow    = realNow + "\n\tsec += chaosOffset()"
	clockSource   = `package time

import "unsafe"

var chaosClock *int64

// ChaosClock sets the seconds by which the wall clock differs from the machine's clock.
func ChaosClock(seconds *int64) { chaosClock = seconds }

func chaosOffset() int64 {
	if chaosClock == nil {
		return 0
	}
	return *(*int64)(unsafe.Pointer(chaosClock))
}
`
	mainSource = `package main

import (
	"os"
	"syscall"
	"time"
	"unsafe"
)

var _ = followClock()

func followClock() bool {
	file, err := os.Open(os.Getenv("CHAOS_CLOCK"))
	if err != nil {
		return false
	}
	defer file.Close()
	memory, err := syscall.Mmap(int(file.Fd()), 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	time.ChaosClock((*int64)(unsafe.Pointer(&memory[0])))
	return true
}
`
)

// BuildServer builds wasm-xds with a clock that can be stepped and with a planted bug, and returns
// the path of the binary. The zero value of the bug plants none.
func BuildServer(t harness.TB, bug Bug) string {
	t.Helper()
	dir, tree := t.TempDir(), program.Repository()
	path := filepath.Join(dir, "wasm-xds")
	overlay, err := overlay(dir, tree, bug)
	if err != nil {
		t.Fatalf("what is laid over the source: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-overlay", overlay, "-o", path, "./cmd/wasm-xds")
	cmd.Dir, cmd.Env = tree, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build wasm-xds: %v\n%s", err, out)
	}
	return path
}

// overlay writes the file that tells go build the replacements of source files.
func overlay(dir, tree string, bug Bug) (string, error) {
	sources, err := planted(tree, bug)
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "env", "GOROOT")
	cmd.Dir = tree // the tree's go.mod chooses the version of Go
	out, err := cmd.Output()
	if err != nil {
		return "", err
	}
	original := filepath.Join(strings.TrimSpace(string(out)), "src", "time", "time.go")
	text, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	if strings.Count(string(text), "func Now() Time {\n\t"+realNow) != 1 {
		return "", fmt.Errorf("%s reads the clock in another way than this program knows", original)
	}
	stepped := strings.Replace(string(text), "func Now() Time {\n\t"+realNow, "func Now() Time {\n\t"+steppedNow, 1)
	replace := map[string]string{
		original: stepped,
		filepath.Join(filepath.Dir(original), "chaos_clock.go"):       clockSource,
		filepath.Join(tree, "cmd", "wasm-xds", "chaos_clock_main.go"): mainSource,
	}
	for path, content := range sources {
		replace[filepath.Join(tree, path)] = content
	}
	n := 0
	for path, content := range replace {
		file := filepath.Join(dir, fmt.Sprintf("overlay-%d.go", n))
		n++
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			return "", err
		}
		replace[path] = file
	}
	asJSON, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, asJSON, 0o600)
}

// clock is the file that steps the server's clock.
type clock struct {
	path   string
	offset time.Duration
}

func newClock(t harness.TB) *clock {
	t.Helper()
	c := &clock{path: filepath.Join(t.TempDir(), "clock")}
	if err := os.WriteFile(c.path, make([]byte, 8), 0o600); err != nil {
		t.Fatalf("%v", err)
	}
	return c
}

// step moves the server's wall clock. It writes the file in place, because the server has mapped
// the file.
func (c *clock) step(by time.Duration) error {
	c.offset += by
	file, err := os.OpenFile(c.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(c.offset/time.Second)), 0)
	return err
}
