package etcdspecs_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/etcdclient"
	"github.com/wasm-xds/wasm-xds/internal/etcdspecs"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// An hour between two looks shows the watch alone brings each change.
func TestWatch(t *testing.T) {
	t.Parallel()
	members := harness.StartEtcd(t, harness.EtcdOptions{})
	r := newRig(t, "/watch", etcdclient.Config{Endpoints: []string{members.Endpoints()}})
	w := r.watch(time.Hour)
	w.waitFor("unavailable " + etcdspecs.CodeEmpty)
	for i := range 20 {
		config := fmt.Sprint("number ", i)
		r.push(many(200, config))
		w.waitUntil("200 specs", hasConfig(config))
	}

	// Somebody removes everything: the last specs stay.
	members.Ctl("del", "--prefix", r.prefix())
	w.waitFor("200 specs, degraded " + etcdspecs.CodeEmpty)
	problem := &spec.Error{}
	if err := w.s.Sync(t.Context()); !errors.As(err, &problem) || problem.Code != etcdspecs.CodeEmpty {
		t.Errorf("Sync: %v", err)
	}
	r.push(many(200, "back"))
	w.waitUntil("200 specs", hasConfig("back"))
}

// etcd goes and comes: the last specs stay, also for a start without etcd.
func TestEtcdGoesAndComes(t *testing.T) {
	t.Parallel()
	members := harness.StartEtcd(t, harness.EtcdOptions{})
	link := harness.StartLink(t, members.Endpoints())
	direct := etcdclient.Config{Endpoints: []string{members.Endpoints()}}
	r := newRig(t, "/away", etcdclient.Config{Endpoints: []string{link.Address()}})
	pusher := newRig(t, "/away", direct)

	link.Refuse()
	w := r.watch(50 * time.Millisecond)
	w.waitFor("unavailable " + etcdclient.CodeUnreachable)
	pusher.push(many(5, "one"))
	link.Restore()
	w.waitUntil("5 specs", hasConfig("one"))

	// Edits and a compaction while the source is cut off. Its watch cannot go on from where it was.
	link.Refuse()
	w.waitFor("5 specs, degraded " + etcdclient.CodeUnreachable)
	pusher.push(many(5, "two"))
	pusher.push(many(5, "three"))
	if _, err := pusher.client.Compact(t.Context(), pusher.head()); err != nil {
		t.Fatal(err)
	}
	link.Restore()
	w.waitUntil("5 specs", hasConfig("three"))
	pusher.push(many(5, "four"))
	w.waitUntil("5 specs", hasConfig("four"))

	// A start without etcd uses the copy on disk.
	w.end()
	link.Refuse()
	w = r.watch(50 * time.Millisecond)
	w.waitUntil("5 specs", hasConfig("four"))
	w.waitFor("5 specs, degraded " + etcdclient.CodeUnreachable)
	link.Restore()
	w.waitFor("5 specs")
}

// After a restore from a backup, etcd is at an earlier revision. The watch from before the restore
// would wait for a revision that comes much later.
func TestRestoredEtcd(t *testing.T) {
	t.Parallel()
	members := harness.StartEtcd(t, harness.EtcdOptions{})
	config := etcdclient.Config{Endpoints: []string{members.Endpoints()}}
	r := newRig(t, "/restored", config)
	r.push(many(3, "old"))
	backup := filepath.Join(t.TempDir(), "backup")
	members.Snapshot(backup)
	for i := range 20 {
		r.push(many(3, fmt.Sprint("new", i)))
	}
	w := r.watch(100 * time.Millisecond)
	w.waitUntil("3 specs", hasConfig("new19"))
	members.Kill()
	members.Restore(backup)
	w.waitUntil("3 specs", hasConfig("old"))
	r.push(many(3, "after"))
	w.waitUntil("3 specs", hasConfig("after"))
}

// A user with the right to read suffices for a source, and a new password needs no restart.
func TestRights(t *testing.T) {
	t.Parallel()
	members := harness.StartEtcd(t, harness.EtcdOptions{})
	r := newRig(t, "/rights", etcdclient.Config{Endpoints: []string{members.Endpoints()}})
	r.push(many(2, "one"))
	for _, args := range [][]string{
		{"user", "add", "root:rootpw"},
		{"role", "add", "reader"},
		{"role", "grant-permission", "reader", "read", "--prefix=true", "/rights/specs/"},
		{"user", "add", "reader:first"},
		{"user", "grant-role", "reader", "reader"},
		{"user", "grant-role", "root", "root"},
		{"auth", "enable"},
	} {
		members.Ctl(args...)
	}
	passwordFile := filepath.Join(t.TempDir(), "password")
	pki.WriteFile(t, passwordFile, []byte("wrong\n"))
	reader := unconnected(t, "/rights", etcdclient.Config{Endpoints: []string{members.Endpoints()}, User: "reader", PasswordFile: passwordFile})
	w := reader.watch(50 * time.Millisecond)
	w.waitFor("unavailable " + etcdclient.CodeDenied)
	pki.WriteFile(t, passwordFile, []byte("first\n"))
	w.waitUntil("2 specs", hasConfig("one"))
	client, err := reader.way.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := reader.try(client, many(2, "two")); err == nil || reader.way.Problem(err).Code != etcdclient.CodeDenied {
		t.Errorf("a reader pushes: %v", err)
	}
}
