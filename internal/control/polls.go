package control

import (
	"context"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// registryJob is the job of a module in a registry. A spec that begins to name a tag has the tag
// looked up.
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

// watchTags takes from the set the tags, and the specs that want them polled.
func (c *Control) watchTags() {
	served := func(filter string) bool {
		f := c.snapshot.Get(filter)
		return f != nil && !f.Removed
	}
	// A document with an error may name tags that no valid spec names.
	if c.tags.watch(c.set.Specs, len(c.set.Errors) > 0, served, time.Now()) {
		c.saveSoon()
	}
}

// learnTag keeps the first digest of a tag.
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

// pollTags asks registries for the digests of the tags with a due poll.
func (c *Control) pollTags(ctx context.Context) {
	for reference, module := range c.tags.begin(time.Now()) {
		c.workers.Go(func() {
			digest, err := c.cfg.Modules.ResolveTag(ctx, module)
			c.post(polled{reference: reference, digest: digest, err: err})
		})
	}
}

// polling says whether a poll of a followed tag is running.
func (t *tags) polling() bool {
	for _, n := range t.namings {
		if n.refresh > 0 && !n.left && n.waits {
			return true
		}
	}
	return false
}

// pollNow makes a poll due for each followed tag.
func (t *tags) pollNow(now time.Time) {
	for _, n := range t.namings {
		if n.refresh > 0 && !n.left && n.digest != "" {
			n.due = now
		}
	}
	t.schedule()
}

// begin returns the tags to poll now, each with a module that names the tag.
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

// takePolled takes the answer of a poll. A new digest becomes a new revision, as an edit does:
// the module is fetched, checked and rolled out.
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

// outcomeOfPoll has the changes after the answer of a poll.
type outcomeOfPoll struct {
	moved  []move // the namings with a refresh
	stayed []move // the namings without a refresh, if the digest is new
	fails  bool   // the lookup failed, with another message than before
	shown  bool   // the lookup began or ceased to fail
}

// move is a filter with the former digest of its tag.
type move struct{ filter, from string }

// answer takes the answer of a poll, and schedules the next poll of the waiting namings.
// After failures the next poll comes sooner than the spec's refresh, and after growing pauses.
func (t *tags) answer(p polled, now time.Time) outcomeOfPoll {
	one := t.asked[p.reference]
	if one == nil {
		return outcomeOfPoll{} // no spec names the reference any more
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

// answerTo applies an answer to a naming.
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

// after returns the time until the next poll, after so many failures in a row.
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

// addTagProblems shows failed lookups of tags, for specs without another problem.
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

// failing says whether the lookup of any followed tag fails.
func (t *tags) failing() bool {
	for _, one := range t.asked {
		if one.err != nil {
			return true
		}
	}
	return false
}
