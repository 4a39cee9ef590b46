package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
)

func TestLock(t *testing.T) {
	reg := registrytest.Start(t, registrytest.Options{})
	one := reg.Push(t, "team/one:v1", registrytest.Artifact([]byte("one")))
	two := reg.Push(t, "team/two:latest", registrytest.Artifact([]byte("two")))
	dir := t.TempDir()
	specs := strings.NewReplacer("REG", reg.Host, "ONE", one, "TWO", two)
	before := specs.Replace("# größer als α\r\nname: one   # kept\r\nmodule: {oci: \"REG/team/one:v1\"}  # the first\r\n---\r\nname: two\r\nmodule:\r\n    oci:   oci://REG/team/two # no tag\r\n" +
		"---\r\nname: follows\r\nmodule: {oci: 'REG/team/one:v1', refresh: 5m}\r\n---\r\nname: file\r\nmodule: {file: ./x.wasm}\r\n")
	after := specs.Replace("# größer als α\r\nname: one   # kept\r\nmodule: {oci: \"REG/team/one:v1@ONE\"}  # the first\r\n---\r\nname: two\r\nmodule:\r\n    oci:   oci://REG/team/two:latest@TWO # no tag\r\n" +
		"---\r\nname: follows\r\nmodule: {oci: 'REG/team/one:v1', refresh: 5m}\r\n---\r\nname: file\r\nmodule: {file: ./x.wasm}\r\n")
	file, link := filepath.Join(t.TempDir(), "real.yaml"), filepath.Join(dir, "filters.yaml")
	if err := os.WriteFile(file, []byte(before), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	content := func() string {
		t.Helper()
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	run := func(want int, args ...string) string {
		t.Helper()
		var stdout, stderr strings.Builder
		if got := Run(t.Context(), append([]string{"lock", dir}, args...), strings.NewReader(""), &stdout, &stderr); got != want {
			t.Errorf("lock %v exits with %d: %s%s", args, got, &stdout, &stderr)
		}
		return stdout.String()
	}
	if out := run(1, "--check"); strings.Count(out, "is not locked") != 2 || content() != before {
		t.Errorf("check: %s\n%s", out, content())
	}
	if out := run(0, "--insecure-registry", reg.Host, "-o", "json"); !strings.Contains(out, one) || !strings.Contains(out, `"from"`) {
		t.Error(out)
	}
	if got := content(); got != after {
		t.Errorf("got\n%s\nwant\n%s", got, after)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
	run(0, "--check")
	if out := run(0, "--insecure-registry", reg.Host); !strings.Contains(out, "/team/one:v1 is followed (refresh): left as it is\nevery other tag is locked") || content() != after {
		t.Errorf("again: %s", out)
	}
	// A missing tag is an error, and the remaining tags are locked all the same.
	mixed := specs.Replace("name: gone\nmodule: {oci: REG/team/gone:v1}\n---\nname: one\nmodule: {oci: REG/team/one:v1}\n")
	if err := os.WriteFile(file, []byte(mixed), 0o640); err != nil {
		t.Fatal(err)
	}
	out := run(1, "--insecure-registry", reg.Host)
	if !strings.Contains(out, "manifest unknown") || !strings.Contains(content(), "one:v1@"+one) || strings.Contains(content(), "gone:v1@") {
		t.Errorf("%s\n%s", out, content())
	}
}

func TestLockLeavesWhatItCannotEdit(t *testing.T) {
	reg := registrytest.Start(t, registrytest.Options{})
	reg.Push(t, "team/one:v1", registrytest.Artifact([]byte("one")))
	dir := t.TempDir()
	text := "name: one\nmodule:\n  oci: \"" + reg.Host + "/team/\\x6fne:v1\"\n"
	if err := os.WriteFile(filepath.Join(dir, "one.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr strings.Builder
	if got := Run(t.Context(), []string{"lock", dir, "--insecure-registry", reg.Host}, strings.NewReader(""), &stdout, &stderr); got != 1 || !strings.Contains(stdout.String(), "write it by hand") {
		t.Errorf("exit %d: %s%s", got, &stdout, &stderr)
	}
	if now, err := os.ReadFile(filepath.Join(dir, "one.yaml")); err != nil || string(now) != text {
		t.Errorf("%s, %v", now, err)
	}
}
