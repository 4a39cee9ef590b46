package oci

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/wasm-xds/wasm-xds/internal/source/bundled"
	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
)

// spoil replaces the bytes in answers for a blob while on is set.
type spoil struct {
	on   atomic.Bool
	what digest.Digest
	with []byte
	next http.Handler
}

func (s *spoil) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.on.Load() && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, s.what.String()) {
		_, _ = w.Write(s.with)
		return
	}
	s.next.ServeHTTP(w, r)
}

func TestWrongBytes(t *testing.T) {
	for name, with := range map[string]string{"others": strings.Repeat("x", len(moduleOne)), "fewer": "x", "more": moduleOne + "x"} {
		t.Run(name, func(t *testing.T) {
			s := &spoil{what: digest.FromString(moduleOne), with: []byte(with)}
			s.on.Store(true)
			r := newRig(t, registrytest.Options{Wrap: func(next http.Handler) http.Handler {
				s.next = next
				return s
			}})
			r.push(files(moduleOne, "1"))
			r.start()
			if set := r.wait(); set.Unavailable == nil || set.Unavailable.Code != bundled.CodeIncomplete {
				t.Fatalf("%+v", set.Unavailable)
			}
			s.on.Store(false)
			r.waitFor("1 specs")
		})
	}
}

// The start detects damaged content on disk and fetches the content again.
func TestDamagedDisk(t *testing.T) {
	for name, what := range map[string][]byte{"module": []byte(moduleOne), "spec": []byte(authSpec)} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, registrytest.Options{})
			r.push(files(moduleOne, "1"))
			r.start()
			r.waitFor("1 specs")
			r.stop()
			path := filepath.Join(r.cfg.Dir, "blobs", "sha256", digest.FromBytes(what).Encoded())
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, bytes.Repeat([]byte("x"), len(what)), 0o600); err != nil {
				t.Fatal(err)
			}
			r.registry.Requests("/")
			r.start()
			set := r.waitFor("1 specs")
			if n := r.registry.Fetched(what); n != 1 {
				t.Errorf("fetched %d times", n)
			}
			if text, err := os.ReadFile(set.Specs[0].Module.File.Path); err != nil || string(text) != moduleOne {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
	t.Run("last.json", func(t *testing.T) {
		r := newRig(t, registrytest.Options{})
		r.push(files(moduleOne, "1"))
		r.start()
		r.waitFor("1 specs")
		r.stop()
		if err := os.WriteFile(filepath.Join(r.cfg.Dir, "last.json"), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		r.start()
		r.waitFor("1 specs")
	})
}

// A disk without write access is reported as a disk error, not as a registry error.
func TestDiskFails(t *testing.T) {
	r := newRig(t, registrytest.Options{})
	r.push(files(moduleOne, "1"))
	s := New(r.cfg)
	if err := s.reader.Store.Open(); err != nil {
		t.Fatal(err)
	}
	// Put a file in place of the directory for unfinished files, which makes even root's writes
	// fail.
	if err := os.WriteFile(filepath.Join(r.cfg.Dir, "ingest"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := s.look(t.Context(), &bundled.Selection{})
	if len(f.Errs) != 1 || f.Errs[0].Code != bundled.CodeKeepFailed || f.Digest != "" {
		t.Errorf("%+v", f.Errs)
	}
}
