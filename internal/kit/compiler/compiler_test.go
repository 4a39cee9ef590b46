package compiler_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/kit/compiler"
	"github.com/wasm-xds/wasm-xds/internal/kit/project"
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func target(t *testing.T, command string) project.Target {
	t.Helper()
	dir := t.TempDir()
	return project.Target{Dir: dir, Output: filepath.Join(dir, "build", "a.wasm"), Command: command}
}

func tiny() []byte {
	m := &wasmenc.Module{}
	m.ExportedFunc("proxy_abi_version_0_2_1", wasmenc.Sig(""), 0, nil)
	return m.Bytes()
}

// A custom section with a name of four bytes, and nothing else.
const nameSection = "\x00\x05\x04name"

// A module is stripped, and a second build of the same source changes nothing.
func TestBuild(t *testing.T) {
	target := target(t, "cp source.wasm build/a.wasm")
	if err := os.WriteFile(filepath.Join(target.Dir, "source.wasm"), append(tiny(), nameSection...), 0o600); err != nil {
		t.Fatal(err)
	}
	var c compiler.Compiler
	for _, want := range []string{"first build", "unchanged"} {
		r, err := c.Build(t.Context(), target)
		if err != nil || r.Change != want {
			t.Fatalf("%+v, %v", r, err)
		}
		if got, err := os.ReadFile(target.Output); err != nil || !bytes.Equal(got, tiny()) {
			t.Fatalf("%q, %v", got, err)
		}
	}
	c.KeepNames = true
	if r, err := c.Build(t.Context(), target); err != nil || r.Change != "+7 bytes" {
		t.Errorf("%+v, %v", r, err)
	}
}

// After a failure, the module of the build before is there.
func TestFailure(t *testing.T) {
	for command, want := range map[string]string{
		"echo here.c:1:2: broken >&2; exit 3":   "exit status 3",
		"true":                                  "has not written",
		"echo nonsense > build/a.wasm; exit 0":  "no Wasm module",
		"no-such-compiler --with a flag":        "exit status 127",
		"echo AAAA > build/other.wasm; exit 42": "exit status 42",
	} {
		target := target(t, command)
		var out bytes.Buffer
		c := compiler.Compiler{Output: &out}
		_, err := c.Build(t.Context(), target)
		var problem *spec.Error
		if !errors.As(err, &problem) || problem.Code != compiler.CodeFailed || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", command, err)
		}
		if strings.Contains(command, "here.c") && out.String() != "here.c:1:2: broken\n" {
			t.Errorf("the compiler's message is %q", out.String())
		}
	}
}

// The end of a build ends all children of the compiler, too.
func TestCancelEndsTheChildren(t *testing.T) {
	target := target(t, `sh -c 'trap "" TERM; echo $$ > child.new; mv child.new child; while :; do sleep 1; done' & wait`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := (&compiler.Compiler{Output: &bytes.Buffer{}}).Build(ctx, target)
		ended <- err
	}()
	var child int
	for child == 0 {
		text, err := os.ReadFile(filepath.Join(target.Dir, "child"))
		if err == nil {
			child, _ = strconv.Atoi(strings.TrimSpace(string(text))) // renamed into place as a whole
		}
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	for syscall.Kill(child, 0) == nil && !zombie(child) {
		time.Sleep(5 * time.Millisecond) // the test's time limit is the bound
	}
}

// zombie reports whether a process has ended, and only its parent has not noticed yet.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || strings.Contains(string(stat), ") Z ")
}

// Without a toolchain, the error says how to get a toolchain.
func TestMissingToolchain(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for language, want := range map[project.Language]string{
		project.Go: "go.dev", project.Rust: "rustup", project.AssemblyScript: "nodejs", project.CPP: "lld", project.Zig: "pip install ziglang",
	} {
		target := target(t, "")
		target.Language = language
		_, err := (&compiler.Compiler{}).Build(t.Context(), target)
		var problem *spec.Error
		if !errors.As(err, &problem) || problem.Code != compiler.CodeNoToolchain || !strings.Contains(problem.Hint, want) {
			t.Errorf("%s: %v", language, err)
		}
	}
}
