package token_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/token"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	reader   = "CANARY-reader-0123456789"
	operator = "CANARY-operator-0123456789"
)

func TestFind(t *testing.T) {
	set, err := token.Parse("tokens", []byte("# tokens\n\nread "+reader+"\n\toperate  deploy "+operator+" \r\n"))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]token.Client{
		reader: {Name: "line 3", Role: token.Read}, operator: {Name: "deploy", Role: token.Operate},
	} {
		if c, ok := set.Find(text); !ok || c != want {
			t.Errorf("%v, %t, want %v", c, ok, want)
		}
	}
	for _, text := range []string{"", reader[1:], reader + "x", strings.ToLower(reader), "deploy", "read"} {
		if c, ok := set.Find(text); ok {
			t.Errorf("%q is that of %v", text, c)
		}
	}
	if _, ok := new(token.Set).Find(""); ok {
		t.Error("an empty set has a token")
	}
}

// Each error has its line, and no error has a part of the line.
func TestBadFiles(t *testing.T) {
	for name, tt := range map[string]struct {
		text, want string
		line       int
	}{
		"empty":           {"", "no token", 0},
		"only comments":   {"# read " + reader + "\n", "no token", 0},
		"a bare token":    {reader, "neither read nor operate", 1},
		"another role":    {"\nadmin " + reader, "neither read nor operate", 2},
		"no token":        {"read", "the token is missing", 1},
		"four words":      {"read a " + reader + " CANARY", "more than three words", 1},
		"a short token":   {"read CANARY", "fewer than 8", 1},
		"a long token":    {"read " + strings.Repeat("CANARY", 1000), "more than 4096", 1},
		"beyond ASCII":    {"read CANARYCANARY\u00e4", "beyond ASCII", 1},
		"a wrong name":    {"read CANARY/x " + reader, "the name is not of letters", 1},
		"a name twice":    {"read ci " + reader + "\noperate ci " + operator, "already that of line 1", 2},
		"a token twice":   {"read ci " + reader + "\noperate " + reader, "already that of ci", 2},
		"a name of lines": {"read line\u00a03 " + reader, "more than three words", 1},
		"token and name":  {"read CANARY0123456789 deployments", "are they in this order", 1},
		"an endless line": {"read " + strings.Repeat("CANARY", 1<<18), "too long", 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := token.Parse("tokens", []byte(tt.text))
			e := (*spec.Error)(nil)
			if !errors.As(err, &e) || !strings.Contains(e.Message, tt.want) || e.Pos.Line != tt.line || e.Pos.File != "tokens" {
				t.Errorf("got %v, want %q in line %d", err, tt.want, tt.line)
			}
			if err != nil && strings.Contains(err.Error(), "CANARY") {
				t.Errorf("the error has a part of the line: %v", err)
			}
		})
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	write := func(text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := token.Open(path); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a missing file: %v", err)
	}
	write("read "+reader, 0o644)
	f, err := token.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := f.Find(reader); !ok || !f.IsPublic() || f.Path() != path {
		t.Errorf("found %t, public %t", ok, f.IsPublic())
	}
	if changed, err := f.Reload(); changed || err != nil {
		t.Errorf("the same file: changed %t, %v", changed, err)
	}
	write("nonsense", 0o600)
	if changed, err := f.Reload(); changed || err == nil {
		t.Errorf("a bad file: changed %t, %v", changed, err)
	}
	if _, ok := f.Find(reader); !ok {
		t.Error("a bad file takes the last good tokens away")
	}
	write("operate "+operator, 0o600)
	if changed, err := f.Reload(); !changed || err != nil || f.IsPublic() {
		t.Errorf("a new file: changed %t, %v, public %t", changed, err, f.IsPublic())
	}
	if _, ok := f.Find(reader); ok {
		t.Error("a removed token is still good")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Reload(); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a pipe: %v", err)
	}
}

func TestReadOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	for text, want := range map[string]string{
		reader + "\n":                                reader,
		"# mine\n  " + reader + " \n\n":              reader,
		"read " + reader + "\noperate x " + operator: operator,
		"read " + reader:                             reader,
		"":                                           "error",
		"CANARY":                                     "error",
		reader + "\n" + operator:                     "error",
		reader + " " + operator:                      "error",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := token.ReadOwn(path)
		if err != nil {
			got = "error"
		}
		if got != want || err != nil && strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if _, err := token.ReadOwn(path + "x"); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a missing file: %v", err)
	}
}
