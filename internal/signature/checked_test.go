package signature_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/signature"
	"github.com/wasm-xds/wasm-xds/internal/test/sigstoretest"
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

// Signatures by identities are remembered with their proof, also by a later process. With another
// trusted root each signature is checked again.
func TestCheckedIdentities(t *testing.T) {
	s := sigstoretest.Start(t)
	root, another := s.WriteRoot(t, sigstoretest.Root{}), s.WriteRoot(t, sigstoretest.Root{NoTSA: true})
	r := newRepository(t)
	r.signed(t, s, team)
	r.attested(t, s, team, r.image.Digest, provenance)
	path := filepath.Join(t.TempDir(), "checked")
	bad := errors.New("bad")
	checks := 0
	do := func(c *signature.Checked, p *signature.Policy, broken bool) ([]signature.Found, error) {
		return c.Do("image:x", p, func() ([]signature.Found, error) {
			checks++
			if broken {
				return nil, bad
			}
			return r.verifyBy(t, p)
		})
	}
	first, err := signature.OpenChecked(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := do(first, policyFor(t, root), false); err != nil {
		t.Fatal(err)
	}
	// The signature is known, and the attestation is not.
	if _, err := do(first, policyFor(t, root, provenance), true); !errors.Is(err, bad) {
		t.Error(err)
	}
	want, err := do(first, policyFor(t, root, provenance), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := signature.OpenChecked(path)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	got, err := do(second, policyFor(t, root, provenance), true)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if _, err := do(second, policyFor(t, another), true); !errors.Is(err, bad) {
		t.Errorf("another root: %v", err)
	}
	if _, err := do(second, policyFor(t, another), false); err != nil {
		t.Error(err)
	}
	all := second.Of("image:x")
	if len(all) != 2 || all[0].Subject != team.Subject || all[1].PredicateType != provenance || len(second.Of("image:y")) != 0 {
		t.Errorf("it knows %+v", all)
	}
	if checks != 5 {
		t.Errorf("%d checks", checks)
	}
}
