package control

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/tags"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const prodTag = "r.example/a:prod"

// ofTag is a spec with a tag, polled at an interval of refresh; 0: not polled.
func ofTag(t *testing.T, reference string, refresh time.Duration) *spec.Spec {
	t.Helper()
	ref, err := spec.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	return &spec.Spec{Name: "auth", Module: spec.Module{OCI: ref, Refresh: refresh}}
}

// movingTag is a registry in which all tags have the same, moving digest.
type movingTag struct {
	mu     *sync.Mutex
	digest *string
	asked  *int
}

func (m movingTag) now() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return *m.digest
}

func (m movingTag) move(to string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	*m.digest = to
}

func (m movingTag) ResolveTag(context.Context, spec.Module) (string, *spec.Error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	*m.asked++
	return *m.digest, nil
}

// ResolveSpec gives each digest a module of its own.
func (m movingTag) ResolveSpec(_ context.Context, s *spec.Spec) (snapshot.Module, *spec.Error) {
	digest := s.Module.OCI.Digest
	if digest == "" {
		digest = m.now()
	}
	return snapshot.Module{SHA256: "of " + digest, Size: 8, Digest: digest}, nil
}

// TestATagMovesForWhoFollowsIt: a spec that follows a tag changes nothing for another spec that
// names the tag. The status shows the tag's present digest.
func TestATagMovesForWhoFollowsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		digests := [...]string{"sha256:d1", "sha256:d2", "sha256:d3"}
		registry := movingTag{mu: new(sync.Mutex), digest: new(digests[0]), asked: new(int)}
		disk := &memoryDisk{files: map[string][]byte{}}
		var told toldSource
		run := func() (c *Control, stop func()) {
			told = make(toldSource, 1)
			c = newChecked(nil, func(cfg *Config) { cfg.Source, cfg.Modules, cfg.Files = told, registry, disk })
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- c.Run(ctx, nobody{}) }()
			return c, func() { cancel(); <-ended }
		}
		named := func(name string, refresh time.Duration) *spec.Spec {
			s := scaledSpec(0, "one")
			s.Name, s.Module = name, ofTag(t, prodTag, refresh).Module
			return s
		}
		pinned, follower, late := named("a-pinned", 0), named("b-follower", time.Minute), named("c-late", 0)
		set := func(specs ...*spec.Spec) source.Set { return source.Set{Specs: specs, References: map[string]string{}} }
		want := func(c *Control, name, digest, tagDigest string) {
			t.Helper()
			synctest.Wait()
			f, _ := NewAPI(c).Filter(name)
			if f.Module.SHA256 != "of "+digest || f.Module.Digest != digest || f.Module.TagDigest != tagDigest {
				t.Errorf("%s has %+v, want %s and %q", name, f.Module, digest, tagDigest)
			}
		}

		c, stop := run()
		told <- set(pinned)
		want(c, "a-pinned", digests[0], "")
		registry.move(digests[1])
		told <- set(pinned, follower)
		want(c, "b-follower", digests[1], "") // the present digest
		want(c, "a-pinned", digests[0], digests[1])
		registry.move(digests[2])
		time.Sleep(2 * time.Minute)
		want(c, "b-follower", digests[2], "")
		want(c, "a-pinned", digests[0], digests[2])
		told <- set(pinned, follower, late)
		want(c, "c-late", digests[2], "")
		stop()

		registry.move("sha256:d4")
		c, stop = run()
		defer stop()
		told <- set(pinned, follower, late)
		want(c, "a-pinned", digests[0], "")
		want(c, "c-late", digests[2], "")
		time.Sleep(2 * tags.LookEvery)
		want(c, "b-follower", "sha256:d4", "")
		want(c, "a-pinned", digests[0], "sha256:d4")
		want(c, "c-late", digests[2], "sha256:d4")
	})
}

// TestAPinnedTagIsLookedAtSeldom: the status of a pinned tag costs a registry next to nothing.
func TestAPinnedTagIsLookedAtSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := movingTag{mu: new(sync.Mutex), digest: new("sha256:d1"), asked: new(int)}
		told := make(toldSource, 1)
		c := newChecked(nil, func(cfg *Config) { cfg.Source, cfg.Modules = told, registry })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx, nobody{}) }()
		defer func() { cancel(); <-ended }()
		s := scaledSpec(0, "one")
		s.Name, s.Module = "auth", ofTag(t, prodTag, 0).Module
		told <- source.Set{Specs: []*spec.Spec{s}, References: map[string]string{}}
		time.Sleep(10 * tags.LookEvery)
		synctest.Wait()
		if n := *registry.asked; n < 9 || n > 12 {
			t.Errorf("it was looked at %d times in %v", n, 10*tags.LookEvery)
		}
	})
}
