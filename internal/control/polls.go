package control

import (
	"context"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// registryJob is the job of a module from a registry. Where a tag leads is looked at for each spec
// that begins to name it.
func registryJob(s *spec.Spec, references map[string]string, digest, signed string) job {
	secret := ""
	if s.Module.PullSecret != nil {
		secret = s.Module.PullSecret.Path + " " + references[s.Module.PullSecret.Path]
	}
	key := func(digest string) string {
		return downloadKey + s.Module.OCI.String() + " " + digest + " " + s.Module.SHA256 + " " + s.VM.Runtime + " " + secret + signed
	}
	if digest == "" {
		return job{key: key("of " + s.Name), name: s.Name, module: s, reference: s.Module.OCI.String(), pinned: key}
	}
	pinned := *s
	pinned.Module.OCI = s.Module.OCI.WithDigest(digest)
	return job{key: key(digest), name: s.Name, module: &pinned, reference: s.Module.OCI.String()}
}

// watchTags takes from the set which tags there are, and who wants them polled.
func (c *Control) watchTags() {
	served := func(filter string) bool {
		f := c.snapshot.Get(filter)
		return f != nil && !f.Removed
	}
	// A document with an error may name tags that no spec names.
	if c.tags.watch(c.set.Specs, len(c.set.Errors) > 0, served, time.Now()) {
		c.saveSoon()
	}
}

// learnTag keeps where a tag has led that was looked at for the first time.
func (c *Control) learnTag(key string, r result) {
	if r.pinned == "" {
		return
	}
	delete(c.results, key)
	c.results[r.pinned] = r
	if c.tags.learn(r.filter, r.module.Reference, r.module.Digest, time.Now()) {
		c.saveSoon()
	}
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

// polling says whether a poll is under way for a spec that follows its tag.
func (t *tags) polling() bool {
	for _, n := range t.namings {
		if n.refresh > 0 && !n.left && n.waits {
			return true
		}
	}
	return false
}

// pollNow makes the poll of each tag due that a spec follows.
func (t *tags) pollNow(now time.Time) {
	for _, n := range t.namings {
		if n.refresh > 0 && !n.left && n.digest != "" {
			n.due = now
		}
	}
	t.schedule()
}

// begin are the tags that are to be polled now, each with a module that names it.
func (t *tags) begin(now time.Time) map[string]spec.Module {
	if t.due.IsZero() || now.Before(t.due) {
		return nil
	}
	polls := map[string]spec.Module{}
	for _, filter := range slices.Sorted(maps.Keys(t.namings)) {
		one := t.namings[filter]
		if one.due.IsZero() || now.Before(one.due) {
			continue
		}
		one.due, one.waits = time.Time{}, true
		shared := t.of(one.reference)
		chosen, begun := polls[one.reference]
		if !begun && !shared.polling || begun && chosen.PullSecret == nil && one.module.PullSecret != nil {
			polls[one.reference] = one.module
		}
		shared.polling = true
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
	for _, one := range came.moved {
		c.cfg.Logger.Info("a tag has moved", zap.String("filter", one.filter), zap.String("reference", p.reference),
			zap.String("from", one.from), zap.String("to", p.digest))
	}
	for _, one := range came.stayed {
		c.cfg.Logger.Info("a tag leads elsewhere: the filter stays with what it led to, because its spec has no refresh",
			zap.String("filter", one.filter), zap.String("reference", p.reference), zap.String("from", one.from), zap.String("to", p.digest))
		c.publishFilter(one.filter)
	}
	if len(came.moved) > 0 {
		c.saveSoon()
	}
	if len(came.moved) > 0 || came.shown {
		c.replan(ctx)
	}
}

// outcomeOfPoll is what the answer to a poll has changed.
type outcomeOfPoll struct {
	moved  []move // the namings that follow the tag
	stayed []move // those that do not, when it leads elsewhere than the last time
	fails  bool   // it cannot be looked at, and not for the reason of before
	shown  bool   // it has become a problem, or is none any more
}

// move is a filter whose tag leads elsewhere than it did.
type move struct{ filter, from string }

// answer takes a poll's answer, and schedules the next poll of who waited for it: sooner than the
// spec wants where this one has failed, and less and less so.
func (t *tags) answer(p polled, now time.Time) outcomeOfPoll {
	one := t.asked[p.reference]
	if one == nil {
		return outcomeOfPoll{} // no spec names it any more
	}
	one.polling = false
	before := one.err
	one.err = nil
	var came outcomeOfPoll
	if p.err != nil {
		one.failed++
		if t.follows(p.reference) {
			one.err = p.err
		}
		came.fails = one.err != nil && (before == nil || before.Message != p.err.Message)
	} else {
		one.failed = 0
	}
	came.shown = (before == nil) != (one.err == nil)
	news := p.err == nil && one.leads != p.digest
	if news {
		one.leads = p.digest
	}
	for _, filter := range slices.Sorted(maps.Keys(t.namings)) {
		n := t.namings[filter]
		if n.reference != p.reference || n.left {
			continue
		}
		t.answerTo(filter, n, p, news, &came)
		if n.waits {
			n.waits = false
			n.due = now.Add(jittered(n.after(one.failed)))
		}
	}
	t.schedule()
	return came
}

// answerTo says what an answer means for one naming.
func (t *tags) answerTo(filter string, n *naming, p polled, news bool, came *outcomeOfPoll) {
	if p.err != nil || n.digest == "" || n.digest == p.digest {
		return
	}
	switch {
	case n.refresh > 0 && n.waits:
		came.moved = append(came.moved, move{filter, n.digest})
		n.digest = p.digest
		t.changes++
	case n.refresh == 0 && news:
		came.stayed = append(came.stayed, move{filter, n.digest})
	}
}

// after is the time until the next poll, when so many have failed in a row.
func (one *naming) after(failed int) time.Duration {
	if failed == 0 || one.refresh == 0 {
		return one.every()
	}
	return min(one.refresh, retryPauses.After(failed))
}

// follows says whether any naming of the reference has a refresh.
func (t *tags) follows(reference string) bool {
	for _, one := range t.namings {
		if one.reference == reference && one.refresh > 0 && !one.left {
			return true
		}
	}
	return false
}

// addTagProblems shows that tags cannot be looked at, where nothing worse is known.
func (c *Control) addTagProblems(p *plan) {
	if !c.tags.failing() {
		return
	}
	for _, s := range c.set.Specs {
		if !tagged(s) || s.Module.Refresh == 0 || p.problems[s.Name] != nil {
			continue
		}
		if one := c.tags.asked[s.Module.OCI.String()]; one != nil && one.err != nil {
			p.problems[s.Name] = ofSpec(one.err, s, modulePosition(s))
		}
	}
}

// failing says whether any tag cannot be looked at that a spec follows.
func (t *tags) failing() bool {
	for _, one := range t.asked {
		if one.err != nil {
			return true
		}
	}
	return false
}
