package track

import (
	"cmp"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/checkqueue"
	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Specs are the journeys of all specs of a set.
type Specs struct {
	cfg    Config
	checks *Checks
	set    *source.Set // nil: none yet
	list   list
	reads  reads
	pass   uint64 // the number of calls of Advance
	// filesMissing: local files of the newest set are being read.
	filesMissing bool
	unfinished   []desired.Unfinished // of the last plan
	begun        []*spec.Spec         // since the last Advance
}

// New returns journeys without a set.
func New(cfg Config) *Specs {
	return &Specs{cfg: cfg, checks: newChecks(cfg), reads: newReads(cfg.Pauses), list: list{verify: cfg.Verify}}
}

// Checks returns the sandbox's part of the journeys.
func (t *Specs) Checks() *Checks { return t.checks }

// Set returns the newest set; nil: there is none yet.
func (t *Specs) Set() *source.Set { return t.set }

// Get returns the spec of a filter; nil: there is none.
func (t *Specs) Get(name string) *Spec { return t.list.of(name) }

// TakeSet takes a new set.
func (t *Specs) TakeSet(set *source.Set) { t.set = set }

// Advance brings each spec as far as it can go now. It needs a set.
func (t *Specs) Advance(now time.Time) Work {
	t.pass++
	t.follow(now)
	t.trim()
	work := Work{Begun: t.begun}
	t.begun = nil
	t.startReads(&work, now)
	t.stopDownloads(&work)
	if t.filesMissing = t.missesFiles(); t.filesMissing {
		work.Wait = true
		return work
	}
	t.check(&work, now)
	return work
}

// follow brings the journeys in line with the set and with the digests of tags.
func (t *Specs) follow(now time.Time) {
	references := t.set.References
	inputs := func(s *spec.Spec) inputs { return inputsOf(s, t.cfg.Verify, references, t.cfg.Tags.Digest(s)) }
	t.list.follow(t.set, t.cfg.Tags.Changes(), func(one *Spec) bool { return one.inputs == inputs(one.spec) }, func(s *spec.Spec) *Spec {
		one := &Spec{spec: s, inputs: inputs(s), began: now}
		t.begun = append(t.begun, s)
		one.module.job = moduleJob(s, references, t.cfg.Tags.Digest(s), one.inputs.signed)
		one.module.read = t.reads.get(one.module.job.Key)
		if s.ConfigFrom != nil {
			one.config.job = configJob(s, references)
			one.config.read = t.reads.get(one.config.job.Key)
		}
		return one
	})
}

// startReads starts the tasks that unfinished specs need.
func (t *Specs) startReads(work *Work, now time.Time) {
	for _, one := range t.list.unfinished {
		one.module.read.wanted = t.pass
		one.missing(func(n need) {
			if n.read.task == nil {
				work.Start = append(work.Start, t.reads.start(n.read, n.job, now))
			}
		})
	}
	slices.SortFunc(work.Start, func(a, b *Task) int { return cmp.Compare(a.Key, b.Key) })
}

// stopDownloads stops the downloads that no unfinished spec needs.
func (t *Specs) stopDownloads(work *Work) {
	for task := range t.reads.running {
		if task.Slow() && task.read.wanted != t.pass {
			t.reads.stop(task)
			work.Stop = append(work.Stop, task)
		}
	}
}

// missesFiles says whether any spec waits for a local file.
func (t *Specs) missesFiles() bool {
	misses := false
	for _, one := range t.list.unfinished {
		one.missing(func(n need) { misses = misses || !n.job.Slow() })
	}
	return misses
}

// check takes the results and the findings for the unfinished specs, starts the checks that they
// need, and ends the others.
func (t *Specs) check(work *Work, now time.Time) {
	t.unfinished = make([]desired.Unfinished, 0, len(t.list.unfinished))
	wanted := map[string]struct{}{} // checks
	var missing []*checkqueue.Check
	for _, one := range t.list.unfinished {
		one.takeReads(t.checks)
		if k := one.takeFindings(t.checks, t.cfg.Delivery, work); k != nil {
			if _, twice := wanted[k.Key]; !twice {
				missing = append(missing, k)
			}
		}
		if one.phase == Checking {
			wanted[one.key] = struct{}{}
		}
		t.unfinished = append(t.unfinished, desired.Unfinished{Spec: one.spec, Outcome: one.outcome})
	}
	work.Cancel = t.checks.Queue.Keep(func(key string) bool { _, ok := wanted[key]; return ok })
	t.checks.Queue.Add(now, missing)
	t.list.finish()
}

// Made and Unfinished are the inputs of the next plan: see [desired.Input].
func (t *Specs) Made() []*snapshot.Filter { return t.list.made }

// Unfinished are the specs about which the last Advance had something to say.
func (t *Specs) Unfinished() []desired.Unfinished { return t.unfinished }

// TagProblems yields the error of each spec with a tag that cannot be looked up.
func (t *Specs) TagProblems(yield func(*spec.Spec, *spec.Error) bool) {
	if !t.cfg.Tags.Failing() {
		return
	}
	for _, s := range t.set.Specs {
		if e := t.cfg.Tags.Problem(s); e != nil && !yield(s, desired.ErrorOf(s, e, desired.ModulePosition(s))) {
			return
		}
	}
}

// Pending are the specs with neither a filter nor an error yet, by name. reading: local files are
// being read as well, so there may be others.
func (t *Specs) Pending() (names []string, reading bool) {
	for _, u := range t.unfinished {
		if u.Pending {
			names = append(names, u.Spec.Name)
		}
	}
	return names, t.filesMissing
}

// TakeResult takes the result of a task. counts is false for a download that was stopped.
// learned: the first digest of a tag is known now.
func (t *Specs) TakeResult(task *Task, result Result, now time.Time) (counts, learned bool) {
	if !t.reads.end(task, result, now) {
		return false, false
	}
	if result.Err == nil && task.pinned != nil {
		learned = t.cfg.Tags.Learn(task.Name, task.Reference, result.Module.Digest, now)
	}
	return true, learned
}

// TakeWait takes the reason for which a download pauses, and says whether the reason is another
// than before.
func (t *Specs) TakeWait(task *Task, wait transfer.Wait) (changed bool) {
	changed = task.wait != wait
	task.wait = wait
	return changed
}

// TakeCheck takes the end of a run of a check. publish: a plan is due. found: there are new
// findings to save.
func (t *Specs) TakeCheck(end End, now time.Time) (publish, found bool) {
	if !end.Cancelled && end.Err != nil {
		t.reads.fail(t.reads.get(end.Check.Read), end.Err, now)
	}
	return t.checks.Ended(end, now)
}

// Wake says whether an Advance is due, because a read is to be tried again or because findings
// were gathered for long enough.
func (t *Specs) Wake(now time.Time) (due bool) {
	again, publish := t.reads.retry(now), t.checks.Queue.Due(now)
	return again || publish
}

// Next is the time of the next Wake; zero: none is due.
func (t *Specs) Next() time.Time { return pause.Earliest(t.reads.next(), t.checks.Queue.Wake()) }

// Retry begins the journey of a spec again. Failed reads are repeated, and the check. found:
// findings were dropped.
func (t *Specs) Retry(one *Spec, now time.Time) (found bool) {
	for _, n := range [...]need{one.module, one.config} {
		if n.read != nil && n.read.result != nil && n.read.result.Err != nil {
			n.read.result = nil
		}
	}
	if one.key != "" {
		t.checks.Known.Drop(one.key)
		t.checks.Queue.TryNow(now, one.key)
	}
	one.restart()
	t.list.reopen(one)
	return one.key != ""
}

// Reread begins all journeys again, and drops all results. Tasks under way go on.
func (t *Specs) Reread() {
	t.reads.clear()
	t.list = list{verify: t.cfg.Verify}
}

// Running yields the tasks under way.
func (t *Specs) Running(yield func(*Task) bool) {
	for task := range t.reads.running {
		if !yield(task) {
			return
		}
	}
}

// Modules yields the sha256 of each module that was read.
func (t *Specs) Modules(yield func(sha256 string)) {
	for _, one := range t.reads.all {
		if one.result != nil {
			yield(one.result.Module.SHA256)
		}
	}
}

// FindingKeys yields the keys of the findings that specs need.
func (t *Specs) FindingKeys(yield func(key string)) {
	for _, one := range t.list.all {
		yield(one.key)
	}
}

// Anew returns the outcomes of all specs, as journeys from the start find them. Tests compare them
// with the outcomes that Advance has kept from set to set.
func (t *Specs) Anew() []desired.Unfinished {
	fresh := &Specs{cfg: t.cfg, checks: t.checks, set: t.set, reads: t.reads, list: list{verify: t.cfg.Verify}}
	fresh.follow(time.Time{})
	all := make([]desired.Unfinished, 0, len(fresh.list.unfinished))
	for _, one := range fresh.list.unfinished {
		one.takeReads(t.checks)
		one.takeFindings(t.checks, t.cfg.Delivery, &Work{})
		all = append(all, desired.Unfinished{Spec: one.spec, Outcome: one.outcome})
	}
	return all
}

// Trim drops the results that no spec needs.
func (t *Specs) Trim() {
	needed := make(map[*read]struct{}, 2*len(t.list.all))
	for _, one := range t.list.all {
		needed[one.module.read], needed[one.config.read] = struct{}{}, struct{}{}
	}
	t.reads.keep(needed)
}

// trim drops unneeded results once there are 100 results and four for each spec.
func (t *Specs) trim() {
	if len(t.reads.all) >= 4*len(t.list.all)+100 {
		t.Trim()
	}
}
