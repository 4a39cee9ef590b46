package control

import (
	"context"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// tags is what is known of the tags that specs name in registries: where each led
// when it was looked at last. A spec means that digest until a poll finds another,
// so that neither an edit of something else nor a restart deploys anything.
type tags struct {
	known map[string]*tag // by reference, as it is written with tag and registry
	due   time.Time       // of the next poll; zero: none
	// watched are the specs that known was taken from, if taken, and whether they were not all.
	watched []*spec.Spec
	taken   bool
	notAll  bool
	// changes rises whenever any digest may be another.
	changes uint64
}

// tag is one of them. It is kept for as long as a spec names it.
type tag struct {
	digest  string        // "": not known yet
	refresh time.Duration // the shortest that a spec wants; 0: it is not polled
	module  spec.Module   // of a spec that names it, for its credentials
	due     time.Time     // of the next poll; zero: none is due
	polling bool
	failed  int         // polls in a row
	err     *spec.Error // of the last poll
}

// pollFirst is the longest that a tag waits for its first poll after a start: it may
// have moved while nobody looked.
const pollFirst = 5 * time.Second

func (t *tags) restore(digests map[string]string) {
	t.known, t.taken = map[string]*tag{}, false
	t.changes++
	for reference, digest := range digests {
		t.known[reference] = &tag{digest: digest}
	}
}

func (t *tags) save() map[string]string {
	digests := map[string]string{}
	for reference, one := range t.known {
		if one.digest != "" {
			digests[reference] = one.digest
		}
	}
	return digests
}

// digest is where a spec's tag leads; "" when that is not known, or its module has no tag.
func (t *tags) digest(s *spec.Spec) string {
	if !tagged(s) {
		return s.Module.OCI.Digest
	}
	if one := t.known[s.Module.OCI.String()]; one != nil {
		return one.digest
	}
	return ""
}

// registryJob is the job of a module from a registry.
func registryJob(s *spec.Spec, references map[string]string, digest, signed string) job {
	secret := ""
	if s.Module.PullSecret != nil {
		secret = s.Module.PullSecret.Path + " " + references[s.Module.PullSecret.Path]
	}
	key := func(digest string) string {
		return downloadKey + s.Module.OCI.String() + " " + digest + " " + s.Module.SHA256 + " " + s.VM.Runtime + " " + secret + signed
	}
	j := job{key: key(digest), name: s.Name, module: s, reference: s.Module.OCI.String()}
	if digest == "" {
		j.pinned = key
		return j
	}
	pinned := *s
	pinned.Module.OCI = s.Module.OCI.WithDigest(digest)
	j.module = &pinned
	return j
}

// watchTags takes from the set which tags there are, and who wants them polled.
func (c *Control) watchTags() {
	// A document with an error may name tags that no spec names.
	if c.tags.watch(c.set.Specs, len(c.set.Errors) > 0, time.Now()) {
		c.saveSoon()
	}
}

// watch is told of the specs that there are, which may not be all, and says whether
// tags were forgotten.
func (t *tags) watch(specs []*spec.Spec, notAll bool, now time.Time) (forgotten bool) {
	same := t.taken && t.notAll == notAll && sameTags(t.watched, specs)
	t.watched, t.taken, t.notAll = specs, true, notAll
	if same {
		return false
	}
	wanted := wantedTags(specs)
	for name, before := range t.known {
		one := wanted[name]
		switch {
		case one != nil:
			one.goOn(before, now)
		case notAll:
			before.refresh, before.due, before.err = 0, time.Time{}, nil
			wanted[name] = before
		default:
			forgotten = true
		}
	}
	t.known = wanted
	t.schedule()
	return forgotten
}

// sameTags says whether what differs between two sets of specs names no tag. Both are
// sorted, and what has not changed is the same pointer in both.
func sameTags(before, now []*spec.Spec) bool {
	for len(before) > 0 || len(now) > 0 {
		switch {
		case len(before) > 0 && len(now) > 0 && before[0] == now[0]:
			before, now = before[1:], now[1:]
		case len(now) == 0 || len(before) > 0 && before[0].Name < now[0].Name:
			if tagged(before[0]) {
				return false
			}
			before = before[1:]
		default:
			if tagged(now[0]) {
				return false
			}
			now = now[1:]
		}
	}
	return true
}

// tagged says whether the spec's module has a tag in a registry, and no digest.
func tagged(s *spec.Spec) bool { return s.Module.OCI.Registry != "" && !s.Module.OCI.Pinned() }

// wantedTags are the tags of specs, as if nothing were known of them.
func wantedTags(specs []*spec.Spec) map[string]*tag {
	wanted := map[string]*tag{}
	for _, s := range specs {
		if !tagged(s) {
			continue
		}
		name := s.Module.OCI.String()
		one := wanted[name]
		if one == nil {
			one = &tag{module: s.Module, refresh: s.Module.Refresh}
			wanted[name] = one
		}
		if r := s.Module.Refresh; r > 0 && (one.refresh == 0 || r < one.refresh) {
			one.refresh = r
		}
		if one.module.PullSecret == nil {
			one.module = s.Module
		}
	}
	return wanted
}

// goOn takes over what was known of a tag.
func (one *tag) goOn(before *tag, now time.Time) {
	one.digest, one.due, one.polling, one.failed = before.digest, before.due, before.polling, before.failed
	if one.refresh > 0 {
		one.err = before.err
	}
	switch {
	case one.refresh == 0:
		one.due = time.Time{}
	case one.digest == "" || one.polling:
	case before.refresh == 0:
		one.due = now.Add(rand.N(min(one.refresh, pollFirst)))
	case before.refresh != one.refresh:
		one.due = now.Add(jittered(one.refresh))
	}
}

// schedule finds out when the next poll is due.
func (t *tags) schedule() {
	t.due = time.Time{}
	for _, one := range t.known {
		if !one.due.IsZero() && (t.due.IsZero() || one.due.Before(t.due)) {
			t.due = one.due
		}
	}
}

// jittered is a time around d: a hundred servers do not ask in the same moment.
func jittered(d time.Duration) time.Duration { return d*9/10 + rand.N(d/5+1) }

// learnTag keeps where a tag has led that was looked at for the first time.
func (c *Control) learnTag(key string, r result) {
	if r.pinned == "" {
		return
	}
	delete(c.results, key)
	c.results[r.pinned] = r
	if c.tags.learn(r.module.Reference, r.module.Digest, time.Now()) {
		c.saveSoon()
	}
}

// learn is told where a tag leads, which says nothing new of one that is known.
func (t *tags) learn(reference, digest string, now time.Time) bool {
	one := t.known[reference]
	if one == nil || one.digest != "" {
		return false
	}
	one.digest = digest
	t.changes++
	if one.refresh > 0 {
		one.due = now.Add(jittered(one.refresh))
	}
	t.schedule()
	return true
}

// pollTags asks where the tags lead whose time has come.
func (c *Control) pollTags(ctx context.Context) {
	for reference, module := range c.tags.begin(time.Now()) {
		c.workers.Go(func() {
			digest, err := c.cfg.Modules.ResolveTag(ctx, module)
			c.post(polled{reference: reference, digest: digest, err: err})
		})
	}
}

// begin are the tags that are to be polled now, each with a module that names it.
func (t *tags) begin(now time.Time) map[string]spec.Module {
	if t.due.IsZero() || now.Before(t.due) {
		return nil
	}
	polls := map[string]spec.Module{}
	for reference, one := range t.known {
		if one.due.IsZero() || now.Before(one.due) {
			continue
		}
		one.due, one.polling = time.Time{}, true
		polls[reference] = one.module
	}
	t.schedule()
	return polls
}

// takePolled takes a poll's answer. A digest that is new becomes a new revision like
// any edit: it is fetched, checked and rolled out.
func (c *Control) takePolled(ctx context.Context, p polled) {
	came := c.tags.answer(p, time.Now())
	if came.fails {
		c.cfg.Logger.Warn("a tag cannot be looked at: what it led to before is served on",
			zap.String("reference", p.reference), zap.String("code", p.err.Code), zap.String("problem", p.err.Message))
	}
	if came.moved {
		c.cfg.Logger.Info("a tag has moved", zap.String("reference", p.reference), zap.String("from", came.from), zap.String("to", p.digest))
		c.saveSoon()
	}
	if came.moved || came.shown {
		c.replan(ctx)
	}
}

// outcomeOfPoll is what the answer to a poll has changed.
type outcomeOfPoll struct {
	moved bool   // the tag leads elsewhere
	from  string // where it led before
	fails bool   // it cannot be looked at, and not for the reason of before
	shown bool   // it has become a problem, or is none any more
}

// answer takes a poll's answer, and schedules the next poll: sooner than the spec
// wants where this one has failed, and less and less so.
func (t *tags) answer(p polled, now time.Time) outcomeOfPoll {
	one := t.known[p.reference]
	if one == nil {
		return outcomeOfPoll{} // no spec names it any more
	}
	one.polling = false
	before := one.err
	one.err = p.err
	came := outcomeOfPoll{from: one.digest, shown: (before == nil) != (p.err == nil)}
	wait := one.refresh
	if p.err != nil {
		one.failed++
		wait = min(wait, retryPauses.After(one.failed))
		came.fails = before == nil || before.Message != p.err.Message
	} else {
		one.failed = 0
		if came.moved = p.digest != one.digest; came.moved {
			t.changes++
		}
		one.digest = p.digest
	}
	if one.refresh > 0 {
		one.due = now.Add(jittered(wait))
	}
	t.schedule()
	return came
}

// addTagProblems shows that tags cannot be looked at, where nothing worse is known.
func (c *Control) addTagProblems(p *plan) {
	if !c.tags.failing() {
		return
	}
	for _, s := range c.set.Specs {
		if s.Module.OCI.Registry == "" || s.Module.Refresh == 0 || p.problems[s.Name] != nil {
			continue
		}
		if one := c.tags.known[s.Module.OCI.String()]; one != nil && one.err != nil {
			p.problems[s.Name] = ofSpec(one.err, s, modulePosition(s))
		}
	}
}

// failing says whether any tag cannot be looked at.
func (t *tags) failing() bool {
	for _, one := range t.known {
		if one.err != nil {
			return true
		}
	}
	return false
}

// newestModule is a served revision's module as its spec names it now: a tag may have
// moved to another image of the same bytes.
func (c *Control) newestModule(r *snapshot.Revision) snapshot.Module {
	m := r.Module
	e := c.entries.of(r.Filter)
	if e != nil && e.done.revision != nil && e.done.revision.ID == r.ID {
		m = e.done.revision.Module
	}
	return m
}
