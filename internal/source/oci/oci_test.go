package oci

import (
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/internal/source/bundled"
	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
	"github.com/wasm-xds/wasm-xds/internal/test/sourcetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWatch(t *testing.T) {
	for name, options := range map[string]registrytest.Options{
		"plain": {}, "TLS and tokens": {TLS: true, Token: true, User: "ann", Password: "secret"}, "basic": {User: "ann", Password: "secret"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, options)
			first := r.push(files(moduleOne, "1"))
			r.start()
			set := r.wait()
			if sourcetest.Describe(set) != "1 specs" {
				t.Fatalf("%+v", set)
			}
			s := set.Specs[0]
			if want := "oci://" + r.registry.Host + "/team/filters@" + first + "/auth.yaml:1:16"; s.Module.Pos.String() != want {
				t.Errorf("at %s, want %s", s.Module.Pos, want)
			}
			if want := Root(r.cfg.Reference) + "/auth.yaml"; s.Name != "auth" || s.File != want {
				t.Errorf("%s of %s", s.Name, s.File)
			}
			if text, err := os.ReadFile(s.Module.File.Path); err != nil || string(text) != moduleOne {
				t.Errorf("the module is %q, %v", text, err)
			}
			r.push(files(moduleOne, "2"))
			set = r.waitFor("1 specs")
			if text, err := os.ReadFile(set.Specs[0].ConfigFrom.Path); err != nil || string(text) != "2" {
				t.Errorf("the configuration is %q, %v", text, err)
			}
			if n := r.registry.Fetched([]byte(moduleOne)); n != 1 {
				t.Errorf("the module was fetched %d times", n)
			}
		})
	}
}

func TestRegistryGoesAndComes(t *testing.T) {
	r := newRig(t, registrytest.Options{})
	r.registry.Stop()
	r.start()
	if set := r.wait(); set.Unavailable == nil || set.Unavailable.Code != registry.CodeUnreachable || set.Unavailable.Hint == "" {
		t.Fatalf("%+v", set)
	}
	r.registry.Restart(t)
	r.waitFor("unavailable " + registry.CodeNotFound)
	r.push(files(moduleOne, "1"))
	r.waitFor("1 specs")
	r.registry.Stop()
	r.waitFor("1 specs, degraded " + registry.CodeUnreachable)
	r.stop()

	// A start without the registry uses the bundle on disk.
	r.start()
	if set := r.wait(); sourcetest.Describe(set) != "1 specs" {
		t.Errorf("%+v", set)
	}
	r.waitFor("1 specs, degraded " + registry.CodeUnreachable)
	r.registry.Restart(t)
	r.waitFor("1 specs")
}

func TestRefusedBundles(t *testing.T) {
	r := newRig(t, registrytest.Options{})
	r.push(files(moduleOne, "1"))
	r.start()
	r.waitFor("1 specs")
	bad := files(moduleOne, "1")
	bad["auth.yaml"] = "module: {file: build/x.wasm}\nrootID: x\n"
	sum := r.push(bad)
	set := r.waitFor("1 specs, degraded bundle_refused, errors unknown_field of auth")
	if want := "oci://" + r.registry.Host + "/team/filters@" + sum + "/auth.yaml:2:1"; set.Errors[0].Pos.String() != want {
		t.Errorf("at %s, want %s", set.Errors[0].Pos, want)
	}
	bad["auth.yaml"] = "module: {file: /etc/passwd}\n"
	r.push(bad)
	r.waitFor("1 specs, degraded bundle_refused, errors outside_bundle of auth")
	// Push an artifact under the tag that is no bundle.
	r.registry.Push(t, "team/filters:prod", registrytest.Artifact([]byte(moduleTwo)))
	r.waitFor("1 specs, degraded bundle_broken, errors bundle_broken of nobody")
	r.push(files(moduleTwo, "1"))
	if set := r.waitFor("1 specs"); set.Specs[0].Module.SHA256 != digest.FromString(moduleTwo).Encoded() {
		t.Errorf("%+v", set.Specs[0].Module)
	}
}

func TestRetryAfter(t *testing.T) {
	var limited atomic.Bool
	r := newRig(t, registrytest.Options{Wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
			if limited.Load() {
				w.Header().Set("Retry-After", "3600")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			next.ServeHTTP(w, request)
		})
	}})
	limited.Store(true)
	s := New(r.cfg)
	if err := s.reader.Store.Open(); err != nil {
		t.Fatal(err)
	}
	first := s.look(t.Context(), &bundled.Selection{})
	second := s.look(t.Context(), &bundled.Selection{})
	for _, f := range []bundled.Found{first, second} {
		if f.After < 59*time.Minute || len(f.Errs) != 1 || f.Errs[0].Code != registry.CodeRateLimited {
			t.Errorf("%+v", f)
		}
	}
	if *first.Errs[0] != *second.Errs[0] {
		t.Errorf("two errors where one is meant:\n%v\n%v", first.Errs[0], second.Errs[0])
	}
	if n := len(r.registry.Requests("/")); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// The source removes content from disk that no recent bundle names.
func TestOldBundlesAreRemoved(t *testing.T) {
	r := newRig(t, registrytest.Options{})
	r.push(files(moduleOne, "0"))
	r.start()
	for _, config := range []string{"1", "2", "3"} {
		r.waitFor("1 specs")
		r.push(files(moduleOne, config))
	}
	r.waitFor("1 specs")
	r.stop()
	for config, want := range map[string]bool{"0": false, "2": true, "3": true} {
		_, err := os.Stat(filepath.Join(r.cfg.Dir, "blobs", "sha256", digest.FromString(config).Encoded()))
		if got := err == nil; got != want {
			t.Errorf("the configuration %s is there: %v, want %v", config, got, want)
		}
	}
}

// The source asks only once for a reference by digest.
func TestDigest(t *testing.T) {
	r := newRig(t, registrytest.Options{})
	sum := r.push(files(moduleOne, "1"))
	r.push(files(moduleTwo, "1"))
	r.cfg.Reference = r.cfg.Reference.WithDigest(sum)
	r.start()
	set := r.waitFor("1 specs")
	if set.Specs[0].Module.SHA256 != digest.FromString(moduleOne).Encoded() {
		t.Errorf("%+v", set.Specs[0].Module)
	}
}
