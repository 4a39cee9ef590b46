package track

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Job is the reading of a file or of a module that specs name. The key changes with the content of
// the reference. A Job is immutable.
type Job struct {
	Key  string
	Name string // of a filter that needs the job
	// Module is a spec with the module to read; nil: the job is to read Config.
	Module *spec.Spec
	Config *spec.FileRef
	// Reference is the module's reference in a registry, as the spec has it.
	Reference string
	// pinned returns the key for the digest to which a tag leads; nil: the key is known.
	pinned func(digest string) string
}

// Slow jobs use the network: no other job waits for them.
func (j *Job) Slow() bool { return j.Module != nil && j.Module.Module.File == nil }

// Result is the result of a job.
type Result struct {
	Module snapshot.Module
	Config *string
	Err    *spec.Error
}

// Task is a job under way.
type Task struct {
	Job
	read  *read
	began time.Time
	wait  transfer.Wait // the reason for which a download pauses; zero: no pause
}

// Began is the time at which the task was started.
func (t *Task) Began() time.Time { return t.began }

// read is a job with its last result. Specs with the same job share a read.
type read struct {
	key      string
	task     *Task   // nil: none is under way
	result   *Result // nil: not known
	failures int     // in a row
	retry    time.Time
	wanted   uint64 // the last pass in which an unfinished spec needed the read
}

// reads are the reads, by key. They stay for a while after their specs, so the reversal of an
// edit reads nothing.
type reads struct {
	pauses   pause.Policy // after failed jobs
	all      map[string]*read
	running  map[*Task]struct{}
	retrying map[*read]struct{}
}

func newReads(pauses pause.Policy) reads {
	return reads{pauses: pauses, all: map[string]*read{}, running: map[*Task]struct{}{}, retrying: map[*read]struct{}{}}
}

// get returns the read of a key.
func (r *reads) get(key string) *read {
	one := r.all[key]
	if one == nil {
		one = &read{key: key}
		r.all[key] = one
	}
	return one
}

// start begins a job.
func (r *reads) start(one *read, job Job, now time.Time) *Task {
	one.task = &Task{Job: job, read: one, began: now}
	r.running[one.task] = struct{}{}
	return one.task
}

// stop ends a job without a result.
func (r *reads) stop(task *Task) {
	task.read.task = nil
	delete(r.running, task)
}

// end takes the result of a job, and says whether the result counts: a download that was stopped
// does not.
func (r *reads) end(task *Task, result Result, now time.Time) bool {
	one := task.read
	if one.task != task {
		return false
	}
	r.stop(task)
	if result.Err != nil {
		r.fail(one, result.Err, now)
		return true
	}
	one.failures, one.retry = 0, time.Time{}
	delete(r.retrying, one)
	if task.pinned != nil { // the read is another, now that the digest is known
		one = r.get(task.pinned(result.Module.Digest))
	}
	result.Module.Reference = task.Reference
	one.result = &result
	return true
}

// fail takes the error of a job, and schedules another try if that may help, after a pause that
// grows with the failures in a row.
func (r *reads) fail(one *read, err *spec.Error, now time.Time) {
	one.result = &Result{Err: err}
	if module.Retryable(err) {
		one.failures++
		one.retry = now.Add(pausesAfter(err, r.pauses).After(one.failures))
		r.retrying[one] = struct{}{}
	}
}

// pausesAfter returns the pauses before a job is tried again that failed with a problem. This
// machine's disk costs nobody else a request: a store that was full is tried again soon.
func pausesAfter(problem *spec.Error, pauses pause.Policy) pause.Policy {
	if problem.Code == module.CodeStoreFailed {
		return pause.Policy{First: time.Second, Most: 15 * time.Second}
	}
	return pauses
}

// retry drops the results of the jobs to try again now, and says whether there are any.
func (r *reads) retry(now time.Time) (some bool) {
	for one := range r.retrying {
		if !now.Before(one.retry) {
			one.result, some = nil, true
			delete(r.retrying, one)
		}
	}
	return some
}

// next returns the earliest time of a further try; zero: no job is to be tried.
func (r *reads) next() time.Time {
	var first time.Time
	for one := range r.retrying {
		first = pause.Earliest(first, one.retry)
	}
	return first
}

// clear drops all results.
func (r *reads) clear() {
	for _, one := range r.all {
		one.result = nil
	}
}

// keep drops the unneeded results.
func (r *reads) keep(needed map[*read]struct{}) {
	for key, one := range r.all {
		if _, ok := needed[one]; ok {
			continue
		}
		one.result, one.failures = nil, 0
		delete(r.retrying, one)
		if one.task == nil {
			delete(r.all, key)
		}
	}
}
