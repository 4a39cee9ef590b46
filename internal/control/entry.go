package control

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/checkqueue"
	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// entry is the control's knowledge about one spec. Entries survive from set to set, so that an
// edit among ten thousand specs costs little more than an edit among ten.
type entry struct {
	spec   *spec.Spec
	module job
	config job             // key "": the spec names no file with the configuration
	seen   [4]string       // the fingerprints and the tag's digest in the jobs' keys
	signed string          // see signedBy; a part of the module job's key, too
	done   desired.Outcome // filter nil: not resolved yet, or with an error
	// verdict is the key of the sandbox's findings; "": not known yet, or the spec is not tried.
	verdict string
	again   bool // the spec took too long in the sandbox, which tries again
	told    bool // the sandbox's findings are logged
	gone    bool // the spec is gone, or a reference of the spec has changed
}

// plain says whether the spec is resolved without a warning. Most specs are plain.
func (e *entry) plain() bool { return e.done.Filter != nil && e.done.Warnings == nil }

// followSet brings the entries in line with the set and with the digests of tags.
func (c *Control) followSet() {
	references := c.set.References
	c.entries.follow(c.set, c.tags.Changes(), func(e *entry) bool {
		return e.seen == seen(e.spec, references, c.tags.Digest(e.spec)) && e.signed == signedBy(e.spec, c.cfg.Keys, references)
	}, func(s *spec.Spec) *entry {
		digest := c.tags.Digest(s)
		signed := signedBy(s, c.cfg.Keys, references)
		e := &entry{spec: s, module: moduleJob(s, references, digest, signed), seen: seen(s, references, digest), signed: signed}
		e.config, _ = configJob(s, references)
		return e
	})
}

func seen(s *spec.Spec, references map[string]string, digest string) (fingerprints [4]string) {
	if s.Module.File != nil {
		fingerprints[0] = references[s.Module.File.Path]
	}
	if s.ConfigFrom != nil {
		fingerprints[1] = references[s.ConfigFrom.Path]
	}
	if s.Module.PullSecret != nil {
		fingerprints[2] = references[s.Module.PullSecret.Path]
	}
	fingerprints[3] = digest
	return fingerprints
}

// signedBy has the fingerprints of the spec's signatures and of the keys that may sign the
// module; "" when the module need not be signed.
func signedBy(s *spec.Spec, keys []string, references map[string]string) string {
	if len(keys)+len(s.Module.Keys) == 0 {
		return ""
	}
	var b strings.Builder
	note := func(path string) { fmt.Fprintf(&b, " %q %s", path, references[path]) }
	for _, path := range append(s.Module.SignatureFiles(), keys...) {
		note(path)
	}
	for _, key := range s.Module.Keys {
		note(key.Path)
	}
	return b.String()
}

// startJobs starts the jobs without a result, and says whether any job with local files
// is running.
func (c *Control) startJobs(ctx context.Context) (local bool) {
	c.dropDownloads()
	var missing []job
	for _, e := range c.entries.open {
		if e.done.Filter != nil {
			continue
		}
		for _, j := range []job{e.module, e.config} {
			if _, known := c.results[j.key]; !known && j.key != "" {
				missing = append(missing, j)
			}
		}
	}
	c.forgetResults()
	slices.SortStableFunc(missing, func(a, b job) int { return cmp.Compare(a.key, b.key) })
	var jobs []job
	for _, j := range missing {
		local = local || !j.slow()
		if _, ok := c.running[j.key]; !ok {
			c.running[j.key] = time.Now()
			jobs = append(jobs, j)
		}
	}
	c.runJobs(ctx, jobs)
	return local
}

// forgetResults drops the unneeded results once there are 100 results and four for each entry.
func (c *Control) forgetResults() {
	if len(c.results) < 4*len(c.entries.all)+100 {
		return
	}
	c.forgetAllResults()
}

// forgetAllResults drops the unneeded results.
func (c *Control) forgetAllResults() {
	needed := c.neededJobs()
	c.jobRetries.keep(needed)
	maps.DeleteFunc(c.results, func(key string, _ result) bool { _, ok := needed[key]; return !ok })
}

// outcome returns the outcome of a spec, and the check that has to run first; nil: none.
func (c *Control) outcome(e *entry) (desired.Outcome, *checkqueue.Check) {
	if e.done.Filter != nil {
		return e.done, nil
	}
	s := e.spec
	m, ok := c.results[e.module.key]
	if !ok {
		return desired.Outcome{Pending: true}, nil
	}
	if m.err != nil {
		return desired.Outcome{Err: desired.ErrorOf(s, m.err, desired.ModulePosition(s))}, nil
	}
	config := s.Config
	if e.config.key != "" {
		r, ok := c.results[e.config.key]
		if !ok {
			return desired.Outcome{Pending: true}, nil
		}
		if r.err != nil {
			return desired.Outcome{Err: desired.ErrorOf(s, r.err, s.ConfigFrom.Pos)}, nil
		}
		var problem *spec.Error
		if config, problem = module.Encode(s, *r.config); problem != nil {
			return desired.Outcome{Err: desired.ErrorOf(s, problem, s.ConfigFrom.Pos)}, nil
		}
	}
	return c.judged(e, m.module, config)
}

// outcomes returns the outcomes of all open specs. It starts the checks that these
// specs need, and ends unneeded checks.
func (c *Control) outcomes(ctx context.Context) []desired.Unfinished {
	open := make([]desired.Unfinished, 0, len(c.entries.open))
	wanted := map[string]struct{}{} // checks
	var missing []*checkqueue.Check
	for _, e := range c.entries.open {
		o, k := c.outcome(e)
		if k != nil {
			if _, twice := wanted[k.Key]; !twice {
				missing = append(missing, k)
			}
		}
		if o.Checking || e.again {
			wanted[e.verdict] = struct{}{}
		}
		open = append(open, desired.Unfinished{Spec: e.spec, Outcome: o})
	}
	for _, k := range c.checks.Keep(func(key string) bool { _, ok := wanted[key]; return ok }) {
		k.Cancel()
	}
	c.checks.Add(time.Now(), missing)
	c.startChecks(ctx)
	return open
}
