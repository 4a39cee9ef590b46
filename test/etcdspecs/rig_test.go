package etcdspecs_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/etcdclient"
	"github.com/wasm-xds/wasm-xds/internal/etcdspecs"
	"github.com/wasm-xds/wasm-xds/internal/source/etcd"
	"github.com/wasm-xds/wasm-xds/internal/test/sourcetest"
	"github.com/wasm-xds/wasm-xds/pkg/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// way is an [etcdclient.Access] that a test can change.
type way struct {
	*etcdclient.Access
	changed func(*clientv3.Client) // changes each new client; nil: none
}

// Connect makes a client.
func (w way) Connect(ctx context.Context) (*clientv3.Client, error) {
	client, err := w.Access.Connect(ctx)
	if err == nil && w.changed != nil {
		w.changed(client)
	}
	return client, err
}

// rig is a place in an etcd, with the means to push to it and to watch it.
type rig struct {
	t      *testing.T
	place  etcdspecs.Place
	way    way
	client *clientv3.Client
	dir    string // of sources
}

// newRig makes a rig with a client. config has at least the endpoints.
func newRig(t *testing.T, prefix string, config etcdclient.Config) *rig {
	t.Helper()
	r := unconnected(t, prefix, config)
	var err error
	if r.client, err = r.way.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.client.Close() })
	return r
}

// unconnected makes a rig without a client.
func unconnected(t *testing.T, prefix string, config etcdclient.Config) *rig {
	t.Helper()
	access, err := etcdclient.Open(config, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	place, err := etcdspecs.ParsePlace(etcdspecs.Scheme + prefix)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t: t, place: place, way: way{Access: access}, dir: filepath.Join(t.TempDir(), "bundle")}
}

// artifactOf makes the bundle of files.
func artifactOf(t *testing.T, files map[string]string) (*bundle.Artifact, []bundle.Entry) {
	t.Helper()
	var items []bundle.Item
	var entries []bundle.Entry
	for title, text := range files {
		mediaType := bundle.FileType
		switch filepath.Ext(title) {
		case ".yaml":
			mediaType = bundle.SpecType
		case ".wasm":
			mediaType = bundle.ModuleType
		}
		e := bundle.Entry{Title: title, MediaType: mediaType, Digest: digest.FromString(text), Size: int64(len(text))}
		items, entries = append(items, bundle.Item{Entry: e, Text: []byte(text)}), append(entries, e)
	}
	a, err := bundle.NewArtifact(items, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a, entries
}

// try pushes files with a client.
func (r *rig) try(client *clientv3.Client, files map[string]string) (etcdspecs.Result, error) {
	r.t.Helper()
	a, entries := artifactOf(r.t, files)
	pusher := etcdspecs.Pusher{Client: client, Place: r.place, Keys: r.way.Keys()}
	return pusher.Push(r.t.Context(), a, entries)
}

// push pushes files.
func (r *rig) push(files map[string]string) etcdspecs.Result {
	r.t.Helper()
	result, err := r.try(r.client, files)
	if err == nil {
		err = result.Uncollected
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return result
}

// keys returns the number of keys of the place.
func (r *rig) keys() int {
	r.t.Helper()
	answer, err := r.client.Get(r.t.Context(), r.prefix(), clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil {
		r.t.Fatal(err)
	}
	return int(answer.Count)
}

// prefix begins the keys of the place.
func (r *rig) prefix() string { return filepath.Dir(r.place.Head()) + "/" }

// watcher is a source that runs.
type watcher struct {
	t    *testing.T
	sets chan source.Set
	s    *etcd.Source
	end  func() // ends the source and waits for it
}

// watch runs a source until the test ends, or end is called. Sources of one rig share the copy on
// disk, so only one of them may run.
func (r *rig) watch(refresh time.Duration) *watcher {
	r.t.Helper()
	w := &watcher{t: r.t, sets: make(chan source.Set, 1000), s: etcd.New(etcd.Config{Place: r.place, Etcd: r.way, Dir: r.dir, Refresh: refresh})}
	ctx, cancel := context.WithCancel(r.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.s.Run(ctx, func(set source.Set) { w.sets <- set }) }()
	done := false
	w.end = func() {
		if done {
			return
		}
		done = true
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			r.t.Errorf("Run: %v", err)
		}
	}
	r.t.Cleanup(w.end)
	return w
}

// waitFor waits for a set with this description.
func (w *watcher) waitFor(want string) source.Set {
	w.t.Helper()
	return w.waitUntil(want, func(source.Set) bool { return true })
}

// waitUntil waits for a set with this description that is also wanted.
func (w *watcher) waitUntil(want string, wanted func(source.Set) bool) source.Set {
	w.t.Helper()
	last := "none"
	for {
		select {
		case set := <-w.sets:
			if last = sourcetest.Describe(set); last == want && wanted(set) {
				return set
			}
		case <-time.After(patience):
			w.t.Fatalf("no set is %q; the last is %q", want, last)
		}
	}
}

// hasConfig says whether each spec of a set has the configuration.
func hasConfig(text string) func(source.Set) bool {
	return func(set source.Set) bool {
		for _, s := range set.Specs {
			if s.Config == nil || *s.Config != text {
				return false
			}
		}
		return true
	}
}

const module = "\x00asm\x01\x00\x00\x00"

// many returns n specs with a module, and with one configuration.
func many(n int, config string) map[string]string {
	files := map[string]string{"build/x.wasm": module}
	for i := range n {
		files[fmt.Sprintf("team-%d/f%04d.yaml", i%7, i)] = "module: {file: ../build/x.wasm}\nconfig: " + config + "\n"
	}
	return files
}
