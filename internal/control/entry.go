package control

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// entry is what is known of one spec. It is kept from set to set, so that an edit
// among ten thousand specs costs little more than one among ten.
type entry struct {
	spec   *spec.Spec
	module job
	config job       // key "": the spec names no file with its configuration
	seen   [4]string // the fingerprints, and the tag's digest, that are in the jobs' keys
	signed string    // what was seen of keys and signatures, which is in the module's job's key, too
	done   outcome   // filter nil: not resolved yet, or not well
	// verdict is the key of what the sandbox says of it; "": not known yet, or not tried.
	verdict string
	told    bool // what the sandbox says is logged
}

// entriesOf are the entries of a set's specs, in their order: those of before where
// neither the spec nor what it refers to has changed.
func (c *Control) entriesOf(set *source.Set) []*entry {
	untagged := len(c.tags.known) == 0 // what a tag names changes by itself
	if c.entriesFrom == set && c.entries != nil && untagged {
		return c.entries
	}
	var former []*spec.Spec // of c.entries
	sameFiles := false
	if c.entries != nil {
		former, sameFiles = c.entriesFrom.Specs, untagged && sameMap(c.entriesFrom.References, set.References)
	}
	c.entriesFrom = set
	entries, before := make([]*entry, len(set.Specs)), c.entries
	for i, s := range set.Specs {
		// What has not changed is the same pointer: ten thousand specs are compared without a look into them.
		if sameFiles && len(former) > 0 && former[0] == s {
			entries[i] = before[0]
			former, before = former[1:], before[1:]
			continue
		}
		for len(former) > 0 && former[0].Name < s.Name {
			former, before = former[1:], before[1:]
		}
		digest := c.tags.digest(s)
		fingerprints := seen(s, set.References, digest)
		signed := signedBy(s, c.cfg.Keys, set.References)
		if len(former) > 0 && former[0] == s && before[0].seen == fingerprints && before[0].signed == signed {
			entries[i] = before[0]
			continue
		}
		e := &entry{spec: s, module: moduleJob(s, set.References, digest, signed), seen: fingerprints, signed: signed}
		e.config, _ = configJob(s, set.References)
		entries[i] = e
	}
	return entries
}

// sameMap says whether the two are one map: no set's is ever changed.
func sameMap(a, b map[string]string) bool {
	return reflect.ValueOf(a).UnsafePointer() == reflect.ValueOf(b).UnsafePointer()
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

// signedBy is what was seen of the keys by which a spec's module must be signed, and
// of its signatures; "" when it need not be.
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

// startJobs starts the jobs whose results are missing, and says whether local ones
// are under way.
func (c *Control) startJobs(ctx context.Context) (local bool) {
	var missing []job
	for _, e := range c.entries {
		if e.done.filter != nil {
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

// forgetResults drops what no entry needs any more, once there is more of that than
// of anything else.
func (c *Control) forgetResults() {
	if len(c.results) < 4*len(c.entries)+100 {
		return
	}
	c.forgetAllResults()
}

// forgetAllResults drops what no entry needs.
func (c *Control) forgetAllResults() {
	needed := map[string]struct{}{}
	for _, e := range c.entries {
		needed[e.module.key], needed[e.config.key] = struct{}{}, struct{}{}
	}
	maps.DeleteFunc(c.results, func(key string, _ result) bool { _, ok := needed[key]; return !ok })
}

// outcome is what is known of a spec, and the check that has to say more; nil: none.
func (c *Control) outcome(e *entry) (outcome, *check) {
	if e.done.filter != nil {
		return e.done, nil
	}
	s := e.spec
	m, ok := c.results[e.module.key]
	if !ok {
		return outcome{pending: true}, nil
	}
	if m.err != nil {
		return outcome{err: ofSpec(m.err, s, modulePosition(s))}, nil
	}
	config := s.Config
	if e.config.key != "" {
		r, ok := c.results[e.config.key]
		if !ok {
			return outcome{pending: true}, nil
		}
		if r.err != nil {
			return outcome{err: ofSpec(r.err, s, s.ConfigFrom.Pos)}, nil
		}
		config = r.config
	}
	return c.judged(e, m.module, config)
}

// outcomes are those of all specs. What the sandbox has to say first is started, and what
// nothing needs any more is ended.
func (c *Control) outcomes(ctx context.Context) []outcome {
	all := make([]outcome, len(c.entries))
	wanted := map[string]struct{}{} // checks
	var missing []*check
	for i, e := range c.entries {
		var k *check
		if all[i], k = c.outcome(e); k != nil {
			if _, twice := wanted[k.key]; !twice {
				missing = append(missing, k)
			}
		}
		if all[i].checking || all[i].again {
			wanted[e.verdict] = struct{}{}
		}
	}
	for _, k := range c.checks.keep(func(key string) bool { _, ok := wanted[key]; return ok }) {
		k.cancel()
	}
	c.checks.add(time.Now(), missing)
	c.startChecks(ctx)
	return all
}

// entryOf is the entry of a filter's spec; nil: there is none.
func (c *Control) entryOf(name string) *entry {
	i, ok := slices.BinarySearchFunc(c.entries, name, func(e *entry, name string) int { return cmp.Compare(e.spec.Name, name) })
	if !ok {
		return nil
	}
	return c.entries[i]
}
