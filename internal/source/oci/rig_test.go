package oci

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
	"github.com/wasm-xds/wasm-xds/internal/test/sourcetest"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// rig is a registry with a repository, and a source for a tag of the repository.
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

// waitFor waits for a set with this description.
func (r *rig) waitFor(want string) source.Set {
	r.t.Helper()
	var last string
	for {
		select {
		case set := <-r.sets:
			if last = sourcetest.Describe(set); last == want {
				return set
			}
		case <-time.After(30 * time.Second):
			r.t.Fatalf("no set is %q; the last is %q", want, last)
		}
	}
}

// push pushes a bundle of files and returns its digest.
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
