package cli

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// writeTested writes a module and its spec with a test, which expects a status.
func writeTested(t *testing.T, dir string, module []byte, status string) {
	t.Helper()
	text := "module: {file: auth.wasm}\ntests: [{name: strangers, request: {}, expect: {response: {status: " + status + "}}}]\n"
	for name, data := range map[string][]byte{"auth.wasm": module, "auth.yaml": []byte(text)} {
		if err := atomicfile.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLeastCoverage(t *testing.T) {
	dir := t.TempDir()
	writeTested(t, dir, testfilter.HTTP{Stamp: "a", RequireToken: true}.Module(), "403")
	spec := "module: {file: auth.wasm}\ntests:\n" +
		"- {name: strangers, request: {}, expect: {response: {status: 403}}}\n" +
		"- {name: friends, request: {headers: {token: ok}}, expect: {response: {status: 200}}}\n"
	if err := atomicfile.WriteFile(filepath.Join(dir, "auth.yaml"), []byte(spec), 0o644); err != nil {
		t.Fatal(err)
	}
	for run, want := range map[string]int{"strangers": 0, "friends": 1} {
		var out, problems bytes.Buffer
		if got := Run(t.Context(), []string{"test", dir, "--run", run, "--min-coverage", "100"}, nil, &out, &problems); got != want {
			t.Errorf("%s: exit %d\n%s%s", run, got, &out, &problems)
		}
		if strings.Contains(problems.String(), "the coverage is below 100%: auth") != (want == 1) {
			t.Errorf("%s: %s", run, &problems)
		}
	}
}

// Tests run again after a change of the spec and of the module, and Ctrl-C is no failure.
func TestWatchedTests(t *testing.T) {
	dir := t.TempDir()
	guard, open := testfilter.HTTP{Stamp: "a", RequireToken: true}.Module(), testfilter.HTTP{Stamp: "a"}.Module()
	writeTested(t, dir, guard, "403")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, into := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- Run(ctx, []string{"test", dir, "--watch"}, nil, into, into)
		_ = into.Close() // always nil
	}()
	lines := bufio.NewScanner(out)
	wait := func(text string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return
			}
		}
		t.Fatalf("no %q", text)
	}
	wait("1 test passed")
	writeTested(t, dir, guard, "200")
	wait(`test "strangers" failed`)
	if err := atomicfile.WriteFile(filepath.Join(dir, "auth.wasm"), open, 0o644); err != nil {
		t.Fatal(err)
	}
	wait("1 test passed")
	if err := os.Remove(filepath.Join(dir, "auth.wasm")); err != nil {
		t.Fatal(err)
	}
	wait("auth.wasm")
	cancel()
	for lines.Scan() { // the rest of the last run
	}
	if code := <-ended; code != 0 {
		t.Errorf("Ctrl-C ends it with %d", code)
	}
}
