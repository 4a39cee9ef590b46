package seal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// line is a key as a line of a file.
func line(b byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, KeySize)) + "\n"
}

func keysOf(t *testing.T, text string) *Keys {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	k, public, err := ReadFile(path)
	if err != nil || public {
		t.Fatalf("public %v, %v", public, err)
	}
	return k
}

func TestSealAndOpen(t *testing.T) {
	one, two := keysOf(t, line(1)), keysOf(t, "# rotated\n\n"+line(2)+line(1))
	plain, none := keysOf(t, "plain\n"+line(2)), (*Keys)(nil)
	for _, content := range []string{"", "{}", strings.Repeat("secret ", 1000)} {
		sealed := one.Seal([]byte(content))
		if content != "" && bytes.Contains(sealed, []byte(content)) || bytes.Equal(sealed, one.Seal([]byte(content))) {
			t.Errorf("%.20q is sealed as %.60q", content, sealed)
		}
		for name, k := range map[string]*Keys{"the same key": one, "the second key": two} {
			if got, err := k.Open(sealed); err != nil || string(got) != content {
				t.Errorf("%s: %.20q, %v", name, got, err)
			}
		}
		for name, k := range map[string]*Keys{"another key": plain, "no key": none} {
			var locked *LockedError
			if got, err := k.Open(sealed); !errors.As(err, &locked) || locked.ID != one.First() || got != nil {
				t.Errorf("%s: %.20q, %v", name, got, err)
			}
		}
		for i := range sealed {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1
			if got, err := one.Open(changed); err == nil && bytes.HasPrefix(changed, []byte(family)) {
				t.Fatalf("byte %d is changed: %.20q", i, got)
			}
			if len(sealed) > 200 && i > 150 {
				break
			}
		}
		for _, cut := range []int{1, 20, len(sealed) - len(format) - 16} {
			if _, err := one.Open(sealed[:len(sealed)-cut]); err == nil {
				t.Errorf("%d bytes are missing, and it opens", cut)
			}
		}
		if !one.IsCurrent(sealed) || two.IsCurrent(sealed) || plain.IsCurrent(sealed) || none.IsCurrent(sealed) {
			t.Error("IsCurrent is wrong for sealed contents")
		}
		if one.IsCurrent([]byte(content)) || !plain.IsCurrent([]byte(content)) || !none.IsCurrent([]byte(content)) {
			t.Error("IsCurrent is wrong for plain contents")
		}
		for _, k := range []*Keys{one, plain, none} {
			if got, err := k.Open([]byte(content)); err != nil || string(got) != content {
				t.Errorf("a plain content: %.20q, %v", got, err)
			}
		}
		if string(plain.Seal([]byte(content))) != content || string(none.Seal([]byte(content))) != content {
			t.Error("a content is sealed without a key")
		}
	}
	var locked *LockedError
	if _, err := one.Open([]byte("wasm-xds-sealed/2 x\n")); !errors.As(err, &locked) || locked.ID != "" {
		t.Errorf("a newer format: %v", err)
	}
}

// A name tells nothing about the content without the key that has sealed it, and the key is found
// from any content that it has sealed.
func TestNames(t *testing.T) {
	old, rotated, none := keysOf(t, line(1)), keysOf(t, line(2)+line(1)), (*Keys)(nil)
	digest := []byte("sha256:1")
	if name := old.Name(digest); len(name) != 32 || !bytes.Equal(name, old.Name(digest)) || bytes.Equal(name, old.Name([]byte("sha256:2"))) {
		t.Errorf("%x", name)
	}
	if bytes.Equal(old.Name(digest), rotated.Name(digest)) {
		t.Error("two keys give one name")
	}
	of, err := rotated.Of(old.Seal([]byte("x")))
	if err != nil || !bytes.Equal(of.Name(digest), old.Name(digest)) || of.First() != old.First() {
		t.Errorf("%v, %v", of, err)
	}
	var locked *LockedError
	if _, err := old.Of(rotated.Seal([]byte("x"))); !errors.As(err, &locked) || locked.ID != rotated.First() {
		t.Errorf("another key: %v", err)
	}
	for _, k := range []*Keys{old, none} {
		if of, err := k.Of([]byte("x")); err != nil || of.First() != "" || of.Name(digest) != nil {
			t.Errorf("a plain content: %v, %v", of, err)
		}
	}
	if plain, _ := rotated.Of([]byte("x")); !plain.IsCurrent([]byte("x")) {
		t.Error("a plain content is not current")
	} else if _, err := plain.Open(old.Seal([]byte("x"))); err != nil {
		t.Error(err)
	}
}

// A line of a bad file may be a key, so no error has a part of a line.
func TestBadKeyFiles(t *testing.T) {
	canary := "Canary" + strings.Repeat("Q", 20)
	for text, at := range map[string]int{
		"":                                 0,
		"# nothing\n":                      0,
		"plain\n":                          0,
		canary:                             1,
		line(1) + canary + "\n":            2,
		line(1) + "\n" + line(1):           3,
		line(1) + "plain\n":                2,
		"plain\nplain\n" + line(1):         2,
		strings.Repeat("#", maxFile+1):     0,
		line(1)[:20] + canary + "==\n":     1,
		strings.TrimSpace(line(1)) + "A\n": 1,
	} {
		path := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := ReadFile(path)
		var problem *spec.Error
		if !errors.As(err, &problem) || problem.Pos != (spec.Position{File: path, Line: at}) || problem.Code != CodeKeyFile || problem.Hint == "" {
			t.Errorf("%.40q: %v, want line %d", text, err, at)
		}
		if err != nil && strings.Contains(err.Error(), canary[:8]) {
			t.Errorf("the error has a part of the line: %v", err)
		}
	}
	if _, _, err := ReadFile(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), MakeKey) {
		t.Errorf("a missing file: %v", err)
	}
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(line(1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o604: true} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, public, err := ReadFile(path); err != nil || public != want {
			t.Errorf("mode %v: public %v, %v", mode, public, err)
		}
	}
}
