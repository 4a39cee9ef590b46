package control

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/tags"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// fickleModules can be missing.
type fickleModules struct {
	mu      sync.Mutex
	missing map[string]bool // by filter
	reads   int
}

func (m *fickleModules) ResolveSpec(_ context.Context, s *spec.Spec) (snapshot.Module, *spec.Error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	if m.missing[s.Name] {
		return snapshot.Module{}, &spec.Error{Code: "module_missing", Name: s.Name}
	}
	if s.Module.OCI.Registry == "" {
		return snapshot.Module{SHA256: fmt.Sprintf("%064x", m.reads), Size: 1}, nil
	}
	digest := s.Module.OCI.Digest
	if digest == "" {
		digest = "sha256:" + strings.Repeat("0", 64)
	}
	return snapshot.Module{SHA256: strings.TrimPrefix(digest, "sha256:"), Size: 1, Digest: digest}, nil // the bytes of a digest never change
}

func (*fickleModules) ResolveTag(context.Context, spec.Module) (string, *spec.Error) { return "", nil }

// wholePlan is the plan that a control without remembered specs makes, from this snapshot and these
// pins.
func (c *Control) wholePlan(previous *snapshot.Snapshot, pins desired.Pins) desired.Plan {
	unfinished := c.view.Specs.Anew()
	p := desired.Make(desired.Input{
		Previous: previous, Set: *c.view.Specs.Set(), Made: make([]*snapshot.Filter, len(unfinished)), Unfinished: unfinished,
		Pins: pins, Delivery: c.cfg.Delivery, AllowEmpty: c.cfg.AllowEmpty,
	})
	for s, e := range c.view.Specs.TagProblems {
		if p.Problems[s.Name] == nil {
			p.Problems[s.Name] = e
		}
	}
	return p
}

// inWords is a plan as text.
func inWords(p desired.Plan) string {
	var b strings.Builder
	b.WriteString(describe(p))
	for _, f := range p.Filters {
		fmt.Fprintf(&b, "\n%s %s preparing=%t", f.Name, f.SpecFile, f.Preparing)
		if f.Revision != nil {
			b.WriteString(" " + f.Revision.ID)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Problems)) {
		fmt.Fprintf(&b, "\nproblem %s %s", name, p.Problems[name])
	}
	for _, name := range slices.Sorted(maps.Keys(p.Warnings)) {
		fmt.Fprintf(&b, "\nwarnings %s %v", name, p.Warnings[name])
	}
	fmt.Fprintf(&b, "\nchecking %v\npins %v", slices.Sorted(maps.Keys(p.Checking)), slices.Sorted(maps.Keys(p.Pins)))
	return b.String()
}

// world is a directory with random changes.
type world struct {
	rng     *rand.Rand
	set     source.Set
	edits   int
	modules *fickleModules
}

func (w *world) name() string { return fmt.Sprintf("filter-%02d", w.rng.IntN(12)) }

func (w *world) spec(name string) *spec.Spec {
	w.edits++
	kinds := []string{"good", "bad", "new", "slow", "loop"}
	s := scaledSpec(0, fmt.Sprint(kinds[w.rng.IntN(len(kinds))], " ", w.rng.IntN(4)))
	s.Name, s.File = name, name+".yaml"
	s.Module.File = &spec.FileRef{Path: fmt.Sprintf("/filters/%d.wasm", w.rng.IntN(4))}
	if w.rng.IntN(4) == 0 {
		s.Module = spec.Module{OCI: spec.Reference{Registry: "r.example", Repository: "a", Tag: fmt.Sprint("v", w.rng.IntN(2))}, Refresh: 1}
	}
	s.Disabled, s.AutoCapabilities = w.rng.IntN(5) == 0, w.rng.IntN(5) == 0
	if w.rng.IntN(6) == 0 {
		s.ConfigFrom = &spec.FileRef{Path: "/nowhere/config.json"}
	}
	return s
}

// differs is the difference between the references of the world's set and of now.
func (w *world) differs(now source.Set) *source.Difference {
	d := &source.Difference{From: w.set.References}
	for path, seen := range now.References {
		if w.set.References[path] != seen {
			d.Paths = append(d.Paths, path)
		}
	}
	return d
}

// next changes something, and describes the change.
func (w *world) next(ctx context.Context, c *Control) string {
	set := source.Set{Specs: slices.Clone(w.set.Specs), References: w.set.References}
	name := w.name()
	i, found := slices.BinarySearchFunc(set.Specs, name, func(s *spec.Spec, name string) int { return strings.Compare(s.Name, name) })
	take := func(what string) string {
		if w.rng.IntN(2) == 0 {
			set.Differs = w.differs(set)
		}
		w.set = set
		c.takeSet(ctx, set)
		return what + " " + name
	}
	switch w.rng.IntN(10) {
	case 0, 1:
		if found {
			set.Specs = slices.Delete(set.Specs, i, i+1)
			return take("removed")
		}
		fallthrough
	case 2, 3, 4:
		if s := w.spec(name); found {
			set.Specs[i] = s
		} else {
			set.Specs = slices.Insert(set.Specs, i, s)
		}
		return take("edited")
	case 5:
		set.References = maps.Clone(set.References)
		set.References[fmt.Sprintf("/filters/%d.wasm", w.rng.IntN(4))] = fmt.Sprint("seen ", w.edits)
		return take("rebuilt a module")
	case 6:
		if found {
			set.Specs = slices.Delete(set.Specs, i, i+1)
		}
		set.Errors = []*spec.Error{{Code: "unknown_field", Name: name, Pos: spec.Position{File: name + ".yaml", Line: 1}}}
		return take("broke")
	case 7:
		reference := spec.Reference{Registry: "r.example", Repository: "a", Tag: fmt.Sprint("v", w.rng.IntN(2))}.String()
		p := tags.Poll{Reference: reference, Digest: fmt.Sprintf("sha256:%064x", w.rng.IntN(3))}
		if w.rng.IntN(3) == 0 {
			p = tags.Poll{Reference: reference, Err: &spec.Error{Code: "registry_unreachable", Message: "no answer"}}
		}
		c.takePoll(ctx, p)
		return "polled " + reference
	case 8:
		w.modules.mu.Lock()
		w.modules.missing = map[string]bool{name: true}
		w.modules.mu.Unlock()
		if w.rng.IntN(3) == 0 {
			c.mend(ctx)
			return "mended, without " + name
		}
		return "lost " + name
	default:
		st, ok := c.view.Machine.Brief(name)
		if !ok || st.Wanted == nil || st.Wanted.Revision == nil || st.Wanted.Removed {
			return "nothing"
		}
		pins := maps.Clone(c.view.Plan.Pins)
		if pins == nil {
			pins = desired.Pins{}
		}
		if _, pinned := pins[name]; pinned {
			delete(pins, name)
		} else {
			pins[name] = desired.Pin{Revision: revisionOf(name, "before"), Instead: st.Wanted.Revision.ID}
		}
		c.view.Plan.Pins = pins
		return "pinned " + name
	}
}

// A plan after changes equals a plan from scratch.
func TestPlansAreWholePlans(t *testing.T) {
	for seed := range uint64(12) {
		planAtRandom(t, seed, 150)
	}
}

func FuzzPlansAreWholePlans(f *testing.F) {
	f.Add(uint64(1))
	f.Add(uint64(149)) // the machine forgets a filter of the plan
	f.Fuzz(func(t *testing.T, seed uint64) { planAtRandom(t, seed, 60) })
}

func planAtRandom(t *testing.T, seed uint64, steps int) {
	t.Helper()
	w := &world{rng: rand.New(rand.NewPCG(seed, 1)), set: source.Set{References: map[string]string{}}, modules: &fickleModules{}}
	sandbox := &fakeSandbox{loop: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	c := newChecked(sandbox, func(cfg *Config) {
		if cfg.Modules = w.modules; seed%2 == 1 {
			cfg.Preflight = examine.Warn
		}
	})
	defer func() {
		cancel()
		close(c.inbox.done)
		c.workers.Wait()
	}()
	var did []string
	for range steps {
		did = append(did, w.next(ctx, c))
		if w.rng.IntN(3) == 0 {
			continue // the next change happens before the effects of this change
		}
		for c.reading() > 0 {
			c.take(ctx, <-c.inbox.messages)
		}
		for range len(c.inbox.messages) {
			c.take(ctx, <-c.inbox.messages)
		}
		if c.view.Specs.Set() == nil {
			continue
		}
		previous, pins := c.view.Snapshot, c.view.Plan.Pins // the machine may forget filters of the plan
		c.advance(ctx)
		if c.reading() > 0 {
			continue
		}
		if got, want := inWords(c.view.Plan), inWords(c.wholePlan(previous, pins)); got != want {
			t.Fatalf("seed %d, after %s:\ngot  %s\nwant %s", seed, strings.Join(did, ", "), got, want)
		}
	}
}
