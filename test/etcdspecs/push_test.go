package etcdspecs_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/etcdclient"
	"github.com/wasm-xds/wasm-xds/internal/etcdspecs"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
)

// TestPush has the tests that only read and write keys.
func TestPush(t *testing.T) {
	t.Parallel()
	runShared(t, map[string]func(*testing.T, etcdclient.Config){
		"contents are written once":       writtenOnce,
		"pushes at the same time":         atTheSameTime,
		"a push that loses the lock":      lostLock,
		"large files lie in pieces":       inPieces,
		"sealed contents tell nothing":    sealed,
		"a damaged content is mended":     damaged,
		"limits":                          limits,
		"a spec with an error is refused": refused,
	})
}

// TestCompaction has the tests that compact etcd, which would disturb the others.
func TestCompaction(t *testing.T) {
	t.Parallel()
	runShared(t, map[string]func(*testing.T, etcdclient.Config){
		"while a push waits":     compactedWait,
		"while a bundle is read": compacted,
	})
}

// runShared runs tests side by side on one etcd.
func runShared(t *testing.T, tests map[string]func(*testing.T, etcdclient.Config)) {
	t.Helper()
	members := harness.StartEtcd(t, harness.EtcdOptions{})
	config := etcdclient.Config{Endpoints: []string{members.Endpoints()}}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, config)
		})
	}
}

// prefixOf is a prefix for one test.
func prefixOf(t *testing.T) string { return "/" + strings.ReplaceAll(t.Name(), " ", "-") }

// A second push writes only the changed contents, and leaves no unused content.
func writtenOnce(t *testing.T, config etcdclient.Config) {
	r := newRig(t, prefixOf(t), config)
	first := r.push(many(300, "one"))
	if want := 300 - 299 + 2; first.Written != want || !first.Changed { // all specs have the same text
		t.Errorf("%+v, want %d contents", first, want)
	}
	files := many(300, "one")
	for i := range 300 {
		files[fmt.Sprintf("own/f%d.yaml", i)] = fmt.Sprintf("name: own%d\nmodule: {file: ../build/x.wasm}\n", i)
	}
	if second := r.push(files); second.Written != 301 || r.keys() != 304 {
		t.Errorf("%+v, and %d keys", second, r.keys())
	}
	before := r.head()
	if again := r.push(files); again.Changed || again.Written != 0 || r.head() != before {
		t.Errorf("the same again: %+v", again)
	}
	if back := r.push(many(300, "two")); back.Written != 2 || r.keys() != 4 {
		t.Errorf("%+v, and %d keys", back, r.keys())
	}
}

// head returns the revision of the head.
func (r *rig) head() int64 {
	answer, err := r.client.Get(r.t.Context(), r.place.Head())
	if err != nil || len(answer.Kvs) != 1 {
		r.t.Fatalf("%v, %v", answer, err)
	}
	return answer.Kvs[0].ModRevision
}

// A reader always finds a whole bundle, while several pushes replace the bundle again and again.
func atTheSameTime(t *testing.T, config etcdclient.Config) {
	r := newRig(t, prefixOf(t), config)
	r.push(map[string]string{"a.yaml": "module: {url: http://a/}\n"})
	var pushes, reads sync.WaitGroup
	ended := make(chan struct{})
	for i := range 4 {
		pushes.Go(func() {
			for n := range 3 {
				files := map[string]string{}
				for j := range 150 {
					files[fmt.Sprintf("f%d.yaml", j)] = fmt.Sprintf("module: {url: http://%d-%d-%d/}\n", i, n, j)
				}
				if _, err := r.try(r.client, files); err != nil {
					t.Errorf("push %d-%d: %v", i, n, err)
				}
			}
		})
	}
	reads.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-ended:
				return
			default:
			}
			if err := r.readAll(); err != nil {
				t.Errorf("read %d: %v", n, err)
				return
			}
		}
	})
	pushes.Wait()
	close(ended)
	reads.Wait()
	if n := r.keys(); n != 152 {
		t.Errorf("%d keys are left, want the head, the manifest and 150 specs", n)
	}
}

// readAll reads the whole bundle, and verifies each content.
func (r *rig) readAll() error {
	s, _, err := etcdspecs.Read(r.t.Context(), r.client, r.place, r.way.Keys())
	if err != nil {
		return err
	}
	entries, err := bundle.ReadManifest(r.t.Context(), s, s.Manifest)
	if err != nil {
		return err
	}
	for _, e := range entries {
		body, err := s.Fetch(r.t.Context(), e.Descriptor())
		if err != nil {
			return err
		}
		text := new(bytes.Buffer)
		if _, err := text.ReadFrom(body); err != nil || digest.FromBytes(text.Bytes()) != e.Digest {
			return fmt.Errorf("%s is %q, %w", e.Title, text, err)
		}
	}
	return nil
}

// hooked is a [clientv3.KV] that calls before ahead of each transaction.
type hooked struct {
	clientv3.KV
	before func(context.Context)
}

func (h hooked) Txn(ctx context.Context) clientv3.Txn {
	h.before(ctx)
	return h.KV.Txn(ctx)
}

// reading does something after the first read.
type reading struct {
	clientv3.KV
	after func(context.Context)
}

func (r reading) Get(ctx context.Context, key string, options ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	answer, err := r.KV.Get(ctx, key, options...)
	r.after(ctx)
	return answer, err
}

// A push that waits for another one waits on after a compaction.
func compactedWait(t *testing.T, config etcdclient.Config) {
	r := newRig(t, prefixOf(t), config)
	held := r.prefix() + "lock/0"
	if _, err := r.client.Put(t.Context(), held, ""); err != nil {
		t.Fatal(err)
	}
	client, err := r.way.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	compacted := false
	client.KV = reading{client.KV, func(ctx context.Context) {
		if compacted {
			return
		}
		compacted = true
		ended, err := r.client.Delete(ctx, held) // the other push ends after the read
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := r.client.Compact(ctx, ended.Header.Revision); err != nil {
			t.Error(err)
		}
	}}
	if _, err := r.try(client, many(1, "one")); err != nil || !compacted {
		t.Errorf("compacted %t: %v", compacted, err)
	}
}

// A push that was suspended for longer than its lease writes nothing more, because another push may
// have removed contents meanwhile.
func lostLock(t *testing.T, config etcdclient.Config) {
	r := newRig(t, prefixOf(t), config)
	r.push(many(3, "one"))
	before := r.head()
	for lost := range 6 { // of the transactions: the lock itself, reading, contents, the head, the removal
		client, err := r.way.Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n, removed := 0, false
		client.KV = hooked{client.KV, func(ctx context.Context) {
			if n++; n == lost+2 {
				_, err := r.client.Delete(ctx, r.prefix()+"lock/", clientv3.WithPrefix())
				removed = err == nil
			}
		}}
		result, err := r.try(client, many(3, fmt.Sprint("lost", lost)))
		_ = client.Close()
		problem := etcdspecs.Problem(err, r.place)
		switch {
		case err == nil && result.Uncollected == nil && removed:
			t.Errorf("lost before transaction %d: the push goes on as if nothing were", lost+2)
		case err != nil && (problem == nil || problem.Code != etcdspecs.CodeLost):
			t.Errorf("lost before transaction %d: %v", lost+2, err)
		case err != nil && r.head() != before:
			t.Errorf("lost before transaction %d: the head has changed", lost+2)
		}
		if err == nil {
			before = r.head()
		}
	}
	if result := r.push(many(3, "last")); !result.Changed || r.keys() != 4 {
		t.Errorf("%+v, and %d keys", result, r.keys())
	}
}

func inPieces(t *testing.T, config etcdclient.Config) {
	r := newRig(t, prefixOf(t), config)
	files := many(1, "one")
	files["large.json"] = strings.Repeat("0123456789", 300_000)
	files["large.yaml"] = "module: {file: build/x.wasm}\nconfigFrom: {file: large.json}\n"
	r.push(files)
	if err := r.readAll(); err != nil {
		t.Error(err)
	}
	w := r.watch(0)
	w.waitFor("2 specs")
	if again := r.push(files); again.Written != 0 {
		t.Errorf("%+v", again)
	}
}

func keyFile(t *testing.T, keys ...byte) string {
	path := filepath.Join(t.TempDir(), "keys")
	var lines []string
	for _, b := range keys {
		lines = append(lines, base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32)))
	}
	pki.WriteFile(t, path, []byte(strings.Join(lines, "\n")+"\n"))
	return path
}

// With a key, neither the values nor the names of keys tell anything about the specs.
func sealed(t *testing.T, config etcdclient.Config) {
	config.SecretKeyFile = keyFile(t, 1)
	r := newRig(t, prefixOf(t), config)
	files := many(2, "Canary")
	files["secret.json"] = "CanarySecret"
	files["secret.yaml"] = "module: {file: build/x.wasm}\nconfigFrom: {file: secret.json}\n"
	r.push(files)
	answer, err := r.client.Get(t.Context(), r.prefix(), clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range answer.Kvs {
		for _, secret := range []string{"Canary", "sha256:", digest.FromString("CanarySecret").Encoded()} {
			if bytes.Contains(one.Key, []byte(secret)) || bytes.Contains(one.Value, []byte(secret)) {
				t.Errorf("%s has %q", one.Key, secret)
			}
		}
	}
	if again := r.push(files); again.Changed || again.Written != 0 {
		t.Errorf("the same again: %+v", again)
	}

	// The key is rotated, and then nothing needs the old.
	config.SecretKeyFile = keyFile(t, 2, 1)
	rotated := newRig(t, prefixOf(t), config)
	w := rotated.watch(0)
	w.waitFor("3 specs")
	w.end()
	if anew := rotated.push(files); !anew.Changed || anew.Written != 5 || rotated.keys() != 6 {
		t.Errorf("with another key: %+v, and %d keys", anew, rotated.keys())
	}
	config.SecretKeyFile = keyFile(t, 2)
	newRig(t, prefixOf(t), config).watch(0).waitFor("3 specs")
	newRig(t, prefixOf(t), etcdclient.Config{Endpoints: config.Endpoints}).watch(0).waitFor("unavailable " + etcdspecs.CodeSealed)
}

func damaged(t *testing.T, config etcdclient.Config) {
	r := newRig(t, prefixOf(t), config)
	r.push(many(2, "one"))
	key := r.prefix() + "blobs/" + digest.FromString(module).Encoded() + "/0"
	for name, value := range map[string]string{"other bytes": "\x00asm\x01\x00\x00\x01", "fewer bytes": "x", "gone": ""} {
		var err error
		if value == "" {
			_, err = r.client.Delete(t.Context(), key)
		} else {
			_, err = r.client.Put(t.Context(), key, value)
		}
		if err != nil {
			t.Fatal(err)
		}
		r.dir = filepath.Join(t.TempDir(), "bundle")
		w := r.watch(0)
		w.waitFor("unavailable bundle_incomplete")
		if result := r.push(many(2, "one")); result.Written != 1 {
			t.Errorf("%s: %+v", name, result)
		}
		if err := w.s.Sync(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		w.waitFor("2 specs")
		w.end()
	}
}

// etcd compacts the revision of the head between the source's reads of the head and the contents.
func compacted(t *testing.T, config etcdclient.Config) {
	r := newRig(t, prefixOf(t), config)
	r.push(many(2, "one"))
	done := false
	r.way.changed = func(client *clientv3.Client) {
		client.KV = hooked{client.KV, func(ctx context.Context) {
			if done {
				return
			}
			done = true
			r.push(many(2, "two"))
			if _, err := r.client.Compact(ctx, r.head()); err != nil {
				t.Error(err)
			}
		}}
	}
	r.watch(0).waitUntil("2 specs", hasConfig("two"))
}

func limits(t *testing.T, config etcdclient.Config) {
	r := newRig(t, prefixOf(t), config)
	files := many(1, "one")
	files["build/x.wasm"] = module + strings.Repeat("x", etcdspecs.MaxModule)
	if _, err := r.try(r.client, files); err == nil || !strings.Contains(err.Error(), "build/x.wasm has") {
		t.Errorf("a large module: %v", err)
	}
	files = many(1, "one")
	for i := range 5 {
		files[fmt.Sprintf("%d.json", i)] = strings.Repeat(fmt.Sprint(i), bundle.MaxFile)
	}
	if _, err := r.try(r.client, files); err == nil || !strings.Contains(err.Error(), "64 MiB") {
		t.Errorf("much in all: %v", err)
	}
	if n := r.keys(); n != 0 {
		t.Errorf("%d keys were written", n)
	}
}

// The source refuses a bundle with an error as a whole, and tells the place of each error in the
// pushed directory. The push command checks specs first, so such a bundle comes from elsewhere.
func refused(t *testing.T, config etcdclient.Config) {
	r := newRig(t, prefixOf(t), config)
	r.push(map[string]string{"build/x.wasm": module, "auth.yaml": "module: {file: build/x.wasm}\n", "log/log.yaml": "module: {file: ../build/x.wasm}\n"})
	w := r.watch(0)
	w.waitFor("2 specs")
	r.push(map[string]string{"build/x.wasm": module, "auth.yaml": "module: {file: build/x.wasm}\n", "log/log.yaml": "module: {file: ../build/x.wasm}\ncofnig: x\n"})
	set := w.waitFor("2 specs, degraded bundle_refused, errors unknown_field of log")
	if got, want := set.Errors[0].Pos.String(), r.place.String()+"/log/log.yaml:2:1"; got != want {
		t.Errorf("at %s, want %s", got, want)
	}
	if set.Specs[0].File != r.place.String()+"/auth.yaml" {
		t.Errorf("the file is %s", set.Specs[0].File)
	}
	r.push(map[string]string{"build/x.wasm": module, "auth.yaml": "module: {file: /etc/passwd}\n"})
	w.waitFor("2 specs, degraded bundle_refused, errors outside_bundle of auth")
	r.push(map[string]string{"build/x.wasm": module, "auth.yaml": "module: {file: build/x.wasm}\n"})
	w.waitFor("1 specs")
}
