package oci

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.uber.org/goleak"
	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
	"github.com/wasm-xds/wasm-xds/test/registrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, registrytest.IgnoreLeftovers()) }

// rig is a registry with a repository, and a source that watches a tag of it.
type rig struct {
	t        *testing.T
	registry *registrytest.Registry
	cfg      Config
	sets     chan source.Set
	stop     func()
}

func newRig(t *testing.T, options registrytest.Options) *rig {
	t.Helper()
	r := &rig{t: t, registry: registrytest.Start(t, options)}
	config := registry.Config{Insecure: []string{r.registry.Host}, CAFile: r.registry.CAFile, DockerConfig: filepath.Join(t.TempDir(), "config.json")}
	if options.TLS {
		config.Insecure = nil
	}
	client, err := registry.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if options.User != "" {
		store, err := client.Store(true)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Put(t.Context(), r.registry.Host, auth.Credential{Username: options.User, Password: options.Password}); err != nil {
			t.Fatal(err)
		}
	}
	ref, err := spec.ParseReference(r.registry.Ref("team/filters:prod"))
	if err != nil {
		t.Fatal(err)
	}
	r.cfg = Config{Reference: ref, Client: client, Dir: filepath.Join(t.TempDir(), "bundle"), Refresh: 10 * time.Millisecond}
	return r
}

// start runs the source until the test ends, or stop is called.
func (r *rig) start() {
	r.sets = make(chan source.Set, 100)
	ctx, cancel := context.WithCancel(r.t.Context())
	ended := make(chan error, 1)
	sets := r.sets
	s := New(r.cfg)
	go func() { ended <- s.Run(ctx, func(set source.Set) { sets <- set }) }()
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			r.t.Errorf("Run: %v", err)
		}
	}
	r.t.Cleanup(r.stop)
}

// wait waits for the next set.
func (r *rig) wait() source.Set {
	r.t.Helper()
	select {
	case set := <-r.sets:
		return set
	case <-time.After(30 * time.Second):
		r.t.Fatal("no set")
		return source.Set{}
	}
}

// waitFor waits until a set is described so.
func (r *rig) waitFor(want string) source.Set {
	r.t.Helper()
	var last string
	for {
		select {
		case set := <-r.sets:
			if last = describe(set); last == want {
				return set
			}
		case <-time.After(30 * time.Second):
			r.t.Fatalf("no set is %q; the last is %q", want, last)
		}
	}
}

// push makes a bundle of files, and gives its digest.
func (r *rig) push(files map[string]string) string {
	r.t.Helper()
	var items []bundle.Item
	for title, text := range files {
		mediaType := bundle.FileType
		switch filepath.Ext(title) {
		case ".yaml":
			mediaType = bundle.SpecType
		case ".wasm":
			mediaType = bundle.ModuleType
		}
		items = append(items, bundle.Item{Text: []byte(text), Entry: bundle.Entry{
			Title: title, MediaType: mediaType, Digest: digest.FromString(text), Size: int64(len(text)),
		}})
	}
	a, err := bundle.NewArtifact(items, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := bundle.Push(r.t.Context(), a, r.registry.Repository("team/filters"), "prod", nil); err != nil {
		r.t.Fatal(err)
	}
	return a.Root.Digest.String()
}

const (
	moduleOne = "\x00asm\x01\x00\x00\x00"
	moduleTwo = "\x00asm\x01\x00\x00\x00\x00\x02\x01x"
	authSpec  = "module: {file: build/x.wasm}\nconfigFrom: {file: auth.json}\n"
)

func files(module, config string) map[string]string {
	return map[string]string{"auth.yaml": authSpec, "build/x.wasm": module, "auth.json": config}
}

func TestWatch(t *testing.T) {
	for name, options := range map[string]registrytest.Options{
		"plain": {}, "TLS and tokens": {TLS: true, Token: true, User: "ann", Password: "secret"}, "basic": {User: "ann", Password: "secret"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, options)
			first := r.push(files(moduleOne, "1"))
			r.start()
			set := r.wait()
			if describe(set) != "1 specs" {
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

	// A start without the registry goes on with what is on disk.
	r.start()
	if set := r.wait(); describe(set) != "1 specs" {
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
	// Another artifact under the tag.
	r.registry.Push(t, "team/filters:prod", registrytest.Artifact([]byte(moduleTwo)))
	r.waitFor("1 specs, degraded bundle_broken, errors bundle_broken of nobody")
	r.push(files(moduleTwo, "1"))
	if set := r.waitFor("1 specs"); set.Specs[0].Module.SHA256 != digest.FromString(moduleTwo).Encoded() {
		t.Errorf("%+v", set.Specs[0].Module)
	}
}

// spoil answers a blob's GET with other bytes while it is on.
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
			if set := r.wait(); set.Unavailable == nil || set.Unavailable.Code != CodeIncomplete {
				t.Fatalf("%+v", set.Unavailable)
			}
			s.on.Store(false)
			r.waitFor("1 specs")
		})
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
	if err := s.store.open(); err != nil {
		t.Fatal(err)
	}
	first := s.look(t.Context(), &state{})
	second := s.look(t.Context(), &state{})
	for _, f := range []found{first, second} {
		if f.after < 59*time.Minute || len(f.errs) != 1 || f.errs[0].Code != registry.CodeRateLimited {
			t.Errorf("%+v", f)
		}
	}
	if *first.errs[0] != *second.errs[0] {
		t.Errorf("two errors where one is meant:\n%v\n%v", first.errs[0], second.errs[0])
	}
	if n := len(r.registry.Requests("/")); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// What is damaged on disk is noticed at the start, and fetched again.
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
		if err := os.WriteFile(filepath.Join(r.cfg.Dir, lastFile), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		r.start()
		r.waitFor("1 specs")
	})
}

// What no recent bundle names goes from the disk.
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

// A disk that cannot be written to is said to be what it is, and not the registry.
func TestDiskFails(t *testing.T) {
	r := newRig(t, registrytest.Options{})
	r.push(files(moduleOne, "1"))
	s := New(r.cfg)
	if err := s.store.open(); err != nil {
		t.Fatal(err)
	}
	// A file where the directory for files in the making belongs: also root fails then.
	if err := os.WriteFile(filepath.Join(r.cfg.Dir, "ingest"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := s.look(t.Context(), &state{})
	if len(f.errs) != 1 || f.errs[0].Code != CodeKeepFailed || f.digest != "" {
		t.Errorf("%+v", f.errs)
	}
}

func TestVerify(t *testing.T) {
	r := newRig(t, registrytest.Options{})
	sum := r.push(files(moduleOne, "1"))
	var refuse atomic.Bool
	refuse.Store(true)
	r.cfg.Verify = func(_ context.Context, manifest ocispec.Descriptor) *spec.Error {
		if manifest.Digest.String() != sum {
			t.Errorf("asked about %s", manifest.Digest)
		}
		if refuse.Load() {
			return &spec.Error{Code: "not_signed", Message: "not signed"}
		}
		return nil
	}
	r.start()
	if got := describe(r.wait()); got != "unavailable not_signed" {
		t.Error(got)
	}
	if n := r.registry.Fetched([]byte(moduleOne)); n != 0 {
		t.Errorf("the module was fetched %d times", n)
	}
	refuse.Store(false)
	r.waitFor("1 specs")
}

// A reference by digest is asked for once.
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
