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
	a, b := newSigner(t, "ECDSA").key, newSigner(t, "ECDSA").key
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
	by := func(key *signature.Key, err error) func() (*signature.Key, error) {
		return func() (*signature.Key, error) { checks++; return key, err }
	}
	c := open()
	bad := errors.New("bad")
	if err := c.Do("x", signature.Keys{a, b}, by(nil, bad)); !errors.Is(err, bad) {
		t.Error(err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := c.Do("x", signature.Keys{a, b}, by(a, nil)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for range 2 {
		if err := c.Do("x", signature.Keys{a}, by(nil, bad)); err != nil {
			t.Error(err)
		}
		if err := c.Do("x", signature.Keys{b}, by(nil, bad)); !errors.Is(err, bad) {
			t.Errorf("another key: %v", err)
		}
		if err := c.Do("y", signature.Keys{a}, by(nil, bad)); !errors.Is(err, bad) {
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
