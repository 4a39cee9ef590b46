package signature_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/signature"
)

func TestChecked(t *testing.T) {
	first := newSigner(t, "ECDSA")
	a, b := first.key, newSigner(t, "ECDSA").key
	path := filepath.Join(t.TempDir(), "checked")
	open := func() *signature.Checked {
		c, err := signature.OpenChecked(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	checks := 0
	signed, err := verifyBy(&signature.Policy{Keys: signature.Keys{a}}, first.detached(t, module))
	if err != nil {
		t.Fatal(err)
	}
	by := func(found []signature.Found, err error) func() ([]signature.Found, error) {
		return func() ([]signature.Found, error) { checks++; return found, err }
	}
	policy := func(keys ...*signature.Key) *signature.Policy { return &signature.Policy{Keys: keys} }
	c := open()
	bad := errors.New("bad")
	if _, err := c.Do("x", policy(a, b), by(nil, bad)); !errors.Is(err, bad) {
		t.Error(err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := c.Do("x", policy(a, b), by(signed, nil)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for range 2 {
		if _, err := c.Do("x", policy(a), by(nil, bad)); err != nil {
			t.Error(err)
		}
		if _, err := c.Do("x", policy(b), by(nil, bad)); !errors.Is(err, bad) {
			t.Errorf("another key: %v", err)
		}
		if _, err := c.Do("y", policy(a), by(nil, bad)); !errors.Is(err, bad) {
			t.Errorf("another digest: %v", err)
		}
		// A partial line has no effect.
		if err := os.WriteFile(path, append(read(t, path), []byte(fmt.Sprintf("y %s", a.Fingerprint))...), 0o600); err != nil {
			t.Fatal(err)
		}
		c = open()
	}
	if checks != 6 {
		t.Errorf("%d checks", checks)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
