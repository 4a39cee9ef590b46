package chaos

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// Run does random operations until the options' minimums are reached, and returns a report. A
// disagreement does not end the run, but a stuck step does.
func Run(t harness.TB, o Options) *Report {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	root := t.TempDir()
	r := &rig{
		t: t, ctx: ctx, o: o, dir: filepath.Join(root, "filters"), modules: filepath.Join(root, "modules"),
		revisions: Revisions{}, nodes: Fleet(o.Versions, o.Seed),
	}
	r.report = Report{Seed: o.Seed, Steps: map[string]int{}, Nodes: r.nodes}
	r.must("directories", os.MkdirAll(r.dir, 0o755))
	r.must("directories", os.MkdirAll(r.modules, 0o755))
	r.disk, r.clock = newDisk(t), newClock(t)
	r.report.Disk = r.disk.how()
	r.plan = NewPlan(o.Seed, NewWorld(o.Versions), len(r.nodes))
	r.start()
	var loads sync.WaitGroup
	for _, e := range r.envoys {
		loads.Go(func() { e.load.run(ctx) })
	}
	t.Cleanup(func() {
		cancel()
		loads.Wait()
	})
	began := time.Now()
	for !r.enough(began) && r.one(r.plan.Next()) {
	}
	rest(ctx, graceOfLive+100*time.Millisecond)
	cancel()
	loads.Wait()
	r.report.Took = time.Since(began)
	for _, e := range r.envoys {
		r.report.add(e.load.total())
	}
	return &r.report
}

func (r *rig) enough(began time.Time) bool {
	if r.ctx.Err() != nil || r.t.Failed() {
		return true
	}
	var requests int64
	for _, e := range r.envoys {
		requests += e.load.total().Requests
	}
	r.mu.Lock()
	wrong := len(r.report.Examples)+len(r.report.Disagreements) > 0
	r.mu.Unlock()
	if r.o.First && wrong {
		return true
	}
	return time.Since(began) >= r.o.Duration && r.plan.n >= r.o.Steps && requests >= r.o.Requests
}

// start starts the server with a good spec of each filter, and the Envoys.
func (r *rig) start() {
	first := r.plan.First()
	for _, e := range first.Edits {
		writeSpec(r, r.dir, e)
	}
	r.cp = harness.NewControlPlane(r.t, harness.ControlPlaneOptions{
		Dir: r.dir, StateDir: r.disk.state(), Binary: r.o.Binary, Env: []string{clockVariable + "=" + r.clock.path},
	})
	r.setArgs(r.plan.World.Preflight)
	r.cp.Start()
	r.api = api{root: r.cp.AdminURL(), binary: r.o.Binary}
	upstream := startUpstream(r.t)
	for i, n := range r.nodes {
		e := startEnvoy(r.t, n, r.cp, upstream, i%2 == 1, func(address string) *load {
			return newLoad(address, r.o.Rate/len(r.nodes), r.wrong)
		})
		for j, f := range r.plan.World.Filters {
			e.load.change(func(x *Expectation) *Expectation { return x.Allow(j, f.Want(n.Version), time.Now()) })
		}
		r.envoys = append(r.envoys, e)
	}
	for _, e := range r.envoys {
		e.ready(r.t)
	}
	r.page = openPage(r.t, r.api.root)
	r.settle(first, time.Now())
}

// one does a step and waits until everything agrees with the world. false means the step is
// stuck.
func (r *rig) one(s Step) bool {
	r.mu.Lock()
	r.step = s
	r.report.Steps[string(s.Kind)]++
	for _, h := range s.Harm {
		r.report.Steps[string(h.Kind)]++
	}
	r.mu.Unlock()
	fmt.Fprintln(r.o.Log, s)
	r.allow(s)
	r.back = make(chan struct{}, 1)
	var work sync.WaitGroup
	for _, h := range s.Harm {
		work.Go(func() { doHarm(r, h) })
	}
	work.Go(func() { doChange(r, s) })
	work.Wait()
	if r.t.Failed() || r.ctx.Err() != nil {
		return false
	}
	sweep(r)
	return r.settle(s, time.Now())
}

// allow allows the contents that the Envoys may show from now on. The former contents stay allowed.
func (r *rig) allow(s Step) {
	now := time.Now()
	for _, e := range r.envoys {
		for i, f := range r.plan.World.Filters {
			e.load.change(func(x *Expectation) *Expectation {
				x = x.Allow(i, f.Want(e.Version), now)
				if ran := r.plan.Ran[i][e.Version]; f.Want(e.Version) == f.Runs[e.Version] {
					x = x.Allow(i, ran, now)
				}
				for _, edit := range s.Edits {
					if c := edit.Content; edit.Filter == i && !c.Disabled && (c.loads(e.Version) || c.Fault == Aborted) {
						x = x.Allow(i, c.Label(), now)
					}
				}
				return x
			})
		}
	}
}

// settle waits until the API, `status`, the metrics and the Envoys' answers agree with the world,
// and then until the page does. From then on, settle allows no other content.
func (r *rig) settle(s Step, since time.Time) bool {
	took, reason, ok := r.agree(s, since, r.look)
	if !ok {
		return false
	}
	r.report.live(s, took, reason)
	until := time.Now().Add(graceOfLive)
	for _, e := range r.envoys {
		for i, f := range r.plan.World.Filters {
			e.load.change(func(x *Expectation) *Expectation { return x.Only(i, f.Want(e.Version), until) })
		}
	}
	took, _, ok = r.agree(s, time.Now(), r.lookAtPage)
	r.report.SlowestPage = max(r.report.SlowestPage, took)
	return ok
}

// agree looks until there are no differences, and returns the time and the commonest reason for
// the wait. false means the step is stuck.
func (r *rig) agree(s Step, since time.Time, look func() ([]string, []Told)) (took time.Duration, reason string, ok bool) {
	reasons := map[string]int{} // the number of looks by reason
	for {
		problems, told := look()
		took = time.Since(since)
		if len(problems) == 0 {
			return took, commonest(reasons), true
		}
		reasons[Reason(problems, told)]++
		if took > cmp.Or(r.o.Stuck, stuckAfter) {
			r.report.stuck(s, took, problems, commonest(reasons))
			return took, "", false
		}
		if r.ctx.Err() != nil || r.t.Failed() {
			return took, "", false
		}
		rest(r.ctx, 10*time.Millisecond)
	}
}

// commonest returns the reason of the most looks.
func commonest(reasons map[string]int) (most string) {
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		if reasons[reason] > reasons[most] {
			most = reason
		}
	}
	return most
}

// look returns the present differences from the world.
func (r *rig) look() (problems []string, told []Told) {
	told, err := r.api.filters(r.ctx)
	if err != nil {
		return []string{err.Error()}, nil
	}
	if problems = Disagreements(r.plan.World, r.nodes, told, r.revisions); len(problems) > 0 {
		return problems, told
	}
	for _, e := range r.envoys {
		seen, err := e.shows()
		if err != nil {
			return []string{e.ID + ": " + err.Error()}, told
		}
		for i, f := range r.plan.World.Filters {
			if want := f.Want(e.Version); seen[i] != want && (seen[i] != "" || want != Passed && want != Denied) {
				problems = append(problems, fmt.Sprintf("%s on %s: the API says %s, an answer shows %q", f.Name, e.ID, want, seen[i]))
			}
			if f.Want(e.Version) == Denied {
				break // no filter behind this one sees the request
			}
		}
	}
	if len(problems) > 0 {
		return problems, told
	}
	return r.api.disagreements(r.ctx, told), told
}

// lookAtPage returns the present differences from the world, also those of the page.
func (r *rig) lookAtPage() (problems []string, told []Told) {
	if problems, told = r.look(); len(problems) > 0 {
		return problems, told
	}
	return r.page.disagreements(r.ctx, r.nodes, told), told
}
