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

// An edit, at any place among the specs, costs a look into a single entry.
func TestFollowLooksIntoWhatHasChanged(t *testing.T) {
	const n = 1000
	first := directoryOf(n)
	added := edited(first, 0, "first")
	added.Specs = slices.Insert(added.Specs, n/2, scaledSpec(n, "first"))
	added.Specs[n/2].Name = "filter-00499-a"
	told := rebuilt(first, n/2, "seen again")
	told.Differs = &source.Difference{From: first.References, Paths: []string{first.Specs[n/2].Module.File.Path, "/elsewhere"}}
	both := told
	both.Specs = edited(first, n/2-1, "second").Specs
	for _, tt := range []struct {
		name        string
		set         source.Set
		digests     uint64
		kept, fresh int
	}{
		{"the same", edited(first, 0, "first"), 0, 0, 1}, // another spec with the same content
		{"the first", edited(first, 0, "second"), 0, 0, 1},
		{"one in the middle", edited(first, n/2, "second"), 0, 0, 1},
		{"the last", edited(first, n-1, "second"), 0, 0, 1},
		{"one more", added, 0, 0, 2},
		{"another module in the middle", rebuilt(first, n/2, "seen again"), 0, n, 1},
		{"another module, of which the source tells", told, 0, 1, 1},
		{"that, and an edit", both, 0, 1, 2},
		{"a tag that moves", first, 1, n, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			kept, made := 0, 0
			var e entries
			seenIn := first.References
			follow := func(set *source.Set, digests uint64) {
				e.follow(set, digests, func(e *entry) bool { kept++; return e.seen == seen(e.spec, set.References, "") },
					func(s *spec.Spec) *entry { made++; return &entry{spec: s, seen: seen(s, seenIn, "")} })
			}
			follow(&first, 0)
			if made != n || len(e.open) != n {
				t.Fatalf("%d entries were made, %d are open, of %d specs", made, len(e.open), n)
			}
			for _, one := range e.all {
				one.done.Filter = filterOf(one.spec.Name, "root")
			}
			e.settle()
			kept, made, seenIn = 0, 0, tt.set.References
			follow(&tt.set, tt.digests)
			if want := tt.kept; kept != want && kept != want+1 { // the entry of the edited spec is asked twice
				t.Errorf("%d entries were asked, want %d", kept, want)
			}
			if made != tt.fresh || len(e.open) != tt.fresh {
				t.Errorf("%d entries were made and %d are open, want %d", made, len(e.open), tt.fresh)
			}
			for i, one := range e.all {
				if one.spec != tt.set.Specs[i] || one.gone || (e.made[i] != nil) != one.plain() {
					t.Fatalf("%d: %+v", i, one)
				}
			}
		})
	}
}

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

// wholePlan is the plan that a control without remembered entries makes, with these pins.
func (c *Control) wholePlan(pins desired.Pins) desired.Plan {
	kept := c.entries
	defer func() { c.entries = kept }()
	c.entries = entries{}
	c.followSet()
	var open []desired.Unfinished
	for _, e := range c.entries.all {
		o, _ := c.outcome(e)
		open = append(open, desired.Unfinished{Spec: e.spec, Outcome: o})
	}
	p := desired.Make(desired.Input{
		Previous: c.snapshot, Set: *c.set, Made: make([]*snapshot.Filter, len(open)), Unfinished: open, Pins: pins,
		Delivery: c.cfg.Delivery, AllowEmpty: c.cfg.AllowEmpty,
	})
	c.addTagProblems(&p)
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
		c.takePolled(ctx, p)
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
		st, ok := c.machine.Brief(name)
		if !ok || st.Wanted == nil || st.Wanted.Revision == nil || st.Wanted.Removed {
			return "nothing"
		}
		pins := maps.Clone(c.plan.Pins)
		if pins == nil {
			pins = desired.Pins{}
		}
		if _, pinned := pins[name]; pinned {
			delete(pins, name)
		} else {
			pins[name] = desired.Pin{Revision: revisionOf(name, "before"), Instead: st.Wanted.Revision.ID}
		}
		c.plan.Pins = pins
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
		close(c.done)
		c.workers.Wait()
	}()
	var did []string
	for range steps {
		did = append(did, w.next(ctx, c))
		if w.rng.IntN(3) == 0 {
			continue // the next change happens before the effects of this change
		}
		for len(c.running) > 0 {
			c.take(ctx, <-c.inbox)
		}
		for range len(c.inbox) {
			c.take(ctx, <-c.inbox)
		}
		if c.set == nil {
			continue
		}
		pins := c.plan.Pins
		c.replan(ctx)
		if len(c.running) > 0 {
			continue
		}
		if got, want := inWords(c.plan), inWords(c.wholePlan(pins)); got != want {
			t.Fatalf("seed %d, after %s:\ngot  %s\nwant %s", seed, strings.Join(did, ", "), got, want)
		}
	}
}
