package control

import (
	"context"
	"maps"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// pausesAfter returns the pauses before a job is tried again that failed with a problem. This
// machine's disk costs nobody else a request: a store that was full is tried again soon.
func pausesAfter(problem *spec.Error) pause.Policy {
	if problem != nil && problem.Code == module.CodeStoreFailed {
		return pause.Policy{First: time.Second, Most: 15 * time.Second}
	}
	return retryPauses
}

// jobRetries are the failed jobs to try again, by key. The zero value has none.
type jobRetries struct {
	failures map[string]int // in a row
	due      map[string]time.Time
}

// failed schedules another try of a job, after a pause that grows with the failures in a row.
func (j *jobRetries) failed(key string, pauses pause.Policy, now time.Time) {
	if j.due == nil {
		j.failures, j.due = map[string]int{}, map[string]time.Time{}
	}
	j.failures[key]++
	j.due[key] = now.Add(pauses.After(j.failures[key]))
}

// ended removes a successful or unwanted job.
func (j *jobRetries) ended(key string) {
	delete(j.failures, key)
	delete(j.due, key)
}

// keep drops the unneeded jobs.
func (j *jobRetries) keep(needed map[string]struct{}) {
	unwanted := func(key string) bool { _, ok := needed[key]; return !ok }
	maps.DeleteFunc(j.failures, func(key string, _ int) bool { return unwanted(key) })
	maps.DeleteFunc(j.due, func(key string, _ time.Time) bool { return unwanted(key) })
}

// next returns the earliest time of a try; zero: no job is to be tried.
func (j *jobRetries) next() (first time.Time) {
	for _, at := range j.due {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}

// take removes and returns the jobs that are due.
func (j *jobRetries) take(now time.Time) (keys []string) {
	for key, at := range j.due {
		if !now.Before(at) {
			keys = append(keys, key)
			delete(j.due, key)
		}
	}
	return keys
}

// retryJobs tries the due jobs again, if a spec still wants them.
func (c *Control) retryJobs(ctx context.Context, now time.Time) {
	keys := c.jobRetries.take(now)
	if len(keys) == 0 {
		return
	}
	for _, key := range keys {
		delete(c.results, key)
	}
	c.jobRetries.keep(c.neededJobs())
	c.replan(ctx)
}

// neededJobs returns the keys of the jobs that specs need.
func (c *Control) neededJobs() map[string]struct{} {
	needed := map[string]struct{}{}
	for _, e := range c.entries.all {
		needed[e.module.key], needed[e.config.key] = struct{}{}, struct{}{}
	}
	return needed
}
