package track

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/checkqueue"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/internal/tags"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

var testPauses = pause.Policy{First: 15 * time.Second, Most: 5 * time.Minute}

// directoryOf is a set of n specs, each with a module of its own.
func directoryOf(n int) source.Set {
	set := source.Set{References: map[string]string{}}
	for i := range n {
		s := scaledSpec(i, "first")
		set.Specs = append(set.Specs, s)
		set.References[s.Module.File.Path] = "seen"
	}
	return set
}

func scaledSpec(i int, config string) *spec.Spec {
	return &spec.Spec{
		Name: fmt.Sprintf("filter-%05d", i), Type: spec.HTTP, File: fmt.Sprintf("filter-%05d.yaml", i), Config: &config,
		Module: spec.Module{File: &spec.FileRef{Path: fmt.Sprintf("/filters/%05d.wasm", i)}},
		VM:     spec.VM{Runtime: "envoy.wasm.runtime.v8"},
	}
}

// edited is the set with another configuration for the spec at i.
func edited(set source.Set, i int, config string) source.Set {
	set.Specs = slices.Clone(set.Specs)
	set.Specs[i] = scaledSpec(i, config)
	return set
}

// rebuilt is the set with another fingerprint for the module at i.
func rebuilt(set source.Set, i int, fingerprint string) source.Set {
	set.References = maps.Clone(set.References)
	set.References[set.Specs[i].Module.File.Path] = fingerprint
	return set
}

// rig drives the journeys step by step, with a clock of its own.
type rig struct {
	t     *testing.T
	specs *Specs
	tags  *tags.Table
	now   time.Time
	work  Work // of the last advance
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, tags: tags.New(testPauses), now: time.Unix(1000, 0)}
	r.specs = New(Config{
		Tags: r.tags, Delivery: spec.Remote, Sandbox: true, Preflight: examine.Enforce, Places: 2, Pauses: testPauses,
	})
	return r
}

// take takes specs as the newest set.
func (r *rig) take(specs ...*spec.Spec) {
	set := source.Set{Specs: specs, References: map[string]string{}}
	r.specs.TakeSet(&set)
	r.tags.Watch(specs, false, func(string) bool { return true }, r.now)
	r.advance()
}

func (r *rig) advance() { r.work = r.specs.Advance(r.now) }

// want wants the phases of all specs, with the tasks that were started and stopped. A spec of
// which the sandbox warns, or which it refuses, has the code behind it.
func (r *rig) want(what, phases, tasks string) {
	r.t.Helper()
	var got, started []string
	for _, one := range r.specs.list.all {
		text := one.spec.Name + "=" + [...]string{"reading", "checking", "ready", "failed"}[one.phase]
		if e := one.outcome.Err; e != nil {
			text += " " + e.Code
		}
		got = append(got, text)
	}
	for _, task := range r.work.Start {
		started = append(started, task.Key)
	}
	for _, task := range r.work.Stop {
		started = append(started, "!"+task.Key)
	}
	if text := strings.Join(got, ", "); text != phases {
		r.t.Errorf("%s: %q, want %q", what, text, phases)
	}
	if text := strings.Join(started, ", "); text != tasks {
		r.t.Errorf("%s: started %q, want %q", what, text, tasks)
	}
}

// result brings the result of the running task with a key that contains a text.
func (r *rig) result(key string, result Result) (learned bool) {
	r.t.Helper()
	for task := range r.specs.Running {
		if strings.Contains(task.Key, key) {
			counts, learned := r.specs.TakeResult(task, result, r.now)
			if !counts {
				r.t.Errorf("the result of %s does not count", key)
			}
			r.advance()
			return learned
		}
	}
	r.t.Errorf("%s is not being read", key)
	return false
}

// found ends the next check with findings.
func (r *rig) found(v examine.Findings) {
	r.t.Helper()
	k := r.specs.Checks().Queue.Next(r.now)
	if k == nil {
		r.t.Fatal("no check waits")
	}
	r.end(End{Check: k, Findings: v})
}

func (r *rig) end(e End) {
	r.t.Helper()
	if publish, _ := r.specs.TakeCheck(e, r.now); publish {
		r.advance()
	}
}

func (r *rig) next() *checkqueue.Check { return r.specs.Checks().Queue.Next(r.now) }

func fileSpec(name, path string) *spec.Spec {
	s := scaledSpec(0, "one")
	s.Name, s.Module.File = name, &spec.FileRef{Path: path}
	return s
}

func urlSpec(name, url string) *spec.Spec {
	s := scaledSpec(0, "one")
	s.Name, s.Module = name, spec.Module{URL: url, SHA256: "00"}
	return s
}

func moduleOf(sum string) Result { return Result{Module: snapshot.Module{SHA256: sum, Size: 1}} }
