package control

import (
	"context"
	"maps"
	"time"
)

// jobRetries are the jobs that failed and are tried again, by key. The zero value has none.
type jobRetries struct {
	failures map[string]int // in a row
	due      map[string]time.Time
}

// failed has a job tried again after a pause that grows.
func (j *jobRetries) failed(key string, now time.Time) {
	if j.due == nil {
		j.failures, j.due = map[string]int{}, map[string]time.Time{}
	}
	j.failures[key]++
	j.due[key] = now.Add(retryPauses.After(j.failures[key]))
}

// ended says that a job did not fail, or that nobody wants it.
func (j *jobRetries) ended(key string) {
	delete(j.failures, key)
	delete(j.due, key)
}

// keep drops the jobs that nobody wants.
func (j *jobRetries) keep(needed map[string]struct{}) {
	unwanted := func(key string) bool { _, ok := needed[key]; return !ok }
	maps.DeleteFunc(j.failures, func(key string, _ int) bool { return unwanted(key) })
	maps.DeleteFunc(j.due, func(key string, _ time.Time) bool { return unwanted(key) })
}

// next is when the first of them is due; zero: there is none.
func (j *jobRetries) next() (first time.Time) {
	for _, at := range j.due {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}

// take are those whose time has come.
func (j *jobRetries) take(now time.Time) (keys []string) {
	for key, at := range j.due {
		if !now.Before(at) {
			keys = append(keys, key)
			delete(j.due, key)
		}
	}
	return keys
}

// retryJobs tries again what is due and still wanted.
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

// neededJobs are the keys of the jobs that some spec needs.
func (c *Control) neededJobs() map[string]struct{} {
	needed := map[string]struct{}{}
	for _, e := range c.entries.all {
		needed[e.module.key], needed[e.config.key] = struct{}{}, struct{}{}
	}
	return needed
}
