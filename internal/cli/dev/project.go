package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/kit/compiler"
	"github.com/wasm-xds/wasm-xds/internal/kit/project"
	"github.com/wasm-xds/wasm-xds/internal/kit/sources"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// builder builds the modules of a project, at the start and after each change of a source.
type builder struct {
	dir      string
	out      io.Writer
	compiler compiler.Compiler

	tree sources.Tree // as the first build found the sources

	mu      sync.Mutex
	targets []project.Target // of the last build
}

// newBuilder returns the builder of a directory; nil: the directory is no project, but has specs
// with finished modules only.
func newBuilder(ctx context.Context, dir string, out io.Writer) *builder {
	if docs := load.Project(ctx, dir, project.Decode); !project.IsProject(dir, docs.Specs) {
		return nil
	}
	return &builder{dir: dir, out: out, compiler: compiler.Compiler{Output: out}}
}

// first builds all modules for the start.
func (b *builder) first(ctx context.Context) error {
	var err error
	if b.tree, _, err = sources.Read(b.dir, nil); err != nil {
		return command.Failure("no_project", b.dir+" cannot be watched: "+reason.Of(err), "name the directory of one filter")
	}
	b.build(ctx, "")
	b.adoptLocks()
	return nil
}

// adoptLocks takes over the lock files that the first build has written: they are no reason for a
// second build.
func (b *builder) adoptLocks() {
	after, _, err := sources.Read(b.dir, nil)
	if err != nil {
		return // the watch will find out
	}
	for _, path := range b.tree.Changes(after) {
		if isLock(path) && after[path] != "" {
			b.tree[path] = after[path]
		}
	}
}

// isLock says whether a file has the versions of dependencies, which a compiler may write.
func isLock(path string) bool {
	return slices.Contains([]string{"Cargo.lock", "package-lock.json"}, filepath.Base(path))
}

// build builds all modules, and prints the outcome. A failure leaves the module as it was. why is
// the reason of the build; "" means the start.
func (b *builder) build(ctx context.Context, why string) {
	docs := load.Project(ctx, b.dir, project.Decode)
	if len(docs.Specs) == 0 && len(docs.Errors) > 0 {
		return // the server reports broken specs
	}
	targets, err := project.Targets(b.dir, docs.Specs)
	if err != nil {
		b.failed(ctx, why, err)
		return
	}
	b.mu.Lock()
	b.targets = targets
	b.mu.Unlock()
	for _, t := range targets {
		result, err := b.compiler.Build(ctx, t)
		if err != nil {
			b.failed(ctx, why, err)
			return
		}
		fmt.Fprintf(b.out, "build  | %s%s in %s: %s, sha256 %s, %s\n", why, relative(t.Output), shortTime(result.Took),
			display.Bytes(int64(result.Module.Size)), result.Module.SHA256[:12], result.Change)
	}
}

// failed prints why there is no new module.
func (b *builder) failed(ctx context.Context, why string, err error) {
	if ctx.Err() != nil {
		return // a newer change has ended the build, or the user
	}
	fmt.Fprintf(b.out, "build  | %sfailed: what runs, runs on\n", why)
	var problem *spec.Error
	if errors.As(err, &problem) {
		display.Problem(b.out, &display.SourceLines{}, problem)
		return
	}
	fmt.Fprintln(b.out, err)
}

// results are the directories and files that builds write.
func (b *builder) results() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var paths []string
	for _, t := range b.targets {
		paths = append(paths, t.Output)
		if dir := filepath.Dir(t.Output); dir != t.Dir && dir != b.dir {
			paths = append(paths, dir)
		}
	}
	return paths
}

// watch builds after each change, until ctx ends. A change during a build ends this build, unless
// the build itself has written a lock file.
func (b *builder) watch(ctx context.Context) {
	stop, ended := func() {}, make(chan struct{})
	close(ended) // there is no build
	defer func() { stop() }()
	sources.Watch(ctx, b.dir, b.results(), b.tree, func(paths []string) {
		if !b.concerns(ctx, paths) || !closed(ended) && !slices.ContainsFunc(paths, func(p string) bool { return !isLock(p) }) {
			return
		}
		stop()
		building, cancel := context.WithCancel(ctx)
		done := make(chan struct{})
		ended = done
		stop = func() {
			cancel()
			<-done
		}
		go func() {
			defer close(done)
			b.build(building, changed(paths))
		}()
	})
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// concerns reports whether changed files make a build necessary. A change of specs alone does so
// only if the targets change: the server reads the rest itself.
func (b *builder) concerns(ctx context.Context, paths []string) bool {
	if slices.ContainsFunc(paths, func(path string) bool {
		ext := filepath.Ext(path)
		return ext != ".yaml" && ext != ".yml" && ext != ".md"
	}) {
		return true
	}
	targets, err := project.Targets(b.dir, load.Project(ctx, b.dir, project.Decode).Specs)
	if err != nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return !slices.EqualFunc(targets, b.targets, func(a, b project.Target) bool {
		return a.Output == b.Output && a.Command == b.Command && a.Dir == b.Dir
	})
}

// changed names the changed files.
func changed(paths []string) string {
	const most = 3
	text := strings.Join(paths[:min(len(paths), most)], ", ")
	if more := len(paths) - most; more > 0 {
		text += fmt.Sprintf(" and %s", display.Plural(more, "other"))
	}
	return text + " changed: "
}

// tested prints the outcome of the sandbox and of the tests.
func tested(out io.Writer) func(*spec.Spec, examine.Findings, time.Duration) {
	return func(s *spec.Spec, found examine.Findings, took time.Duration) {
		failed := 0
		for _, e := range found.Errors {
			if e.Test != "" {
				failed++
			}
		}
		var text string
		switch n := len(s.Tests); {
		case failed > 0:
			text = fmt.Sprintf("%d of %s failed: what runs, runs on", failed, display.Plural(n, "test"))
		case len(found.Errors) > 0:
			text = "the sandbox has refused it: what runs, runs on"
		case n == 0:
			text = "none, and the sandbox has nothing against it"
		default:
			text = display.Plural(n, "test") + " passed"
		}
		fmt.Fprintf(out, "tests  | %s: %s, in %s\n", s.Name, text, shortTime(took))
	}
}
