package control

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/internal/tags"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
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
	if c.tags.Watch(c.set.Specs, len(c.set.Errors) > 0, served, time.Now()) {
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
	if c.tags.Learn(r.filter, r.module.Reference, r.module.Digest, time.Now()) {
		c.saveSoon()
	}
}

// pollTags asks registries for the digests of the tags with a due poll.
func (c *Control) pollTags(ctx context.Context) {
	for reference, module := range c.tags.Begin(time.Now()) {
		c.workers.Go(func() {
			digest, err := c.cfg.Modules.ResolveTag(ctx, module)
			c.post(tags.Poll{Reference: reference, Digest: digest, Err: err})
		})
	}
}

// takePolled takes the answer of a poll. A new digest becomes a new revision, as an edit does:
// the module is fetched, checked and rolled out.
func (c *Control) takePolled(ctx context.Context, p tags.Poll) {
	came := c.tags.Answer(p, time.Now())
	if came.Fails {
		c.cfg.Logger.Warn("a tag cannot be looked at: what it led to before is served on",
			zap.String("reference", p.Reference), zap.String("code", p.Err.Code), zap.String("problem", p.Err.Message))
	}
	for _, one := range came.Moved {
		c.cfg.Logger.Info("a tag has moved", zap.String("filter", one.Filter), zap.String("reference", p.Reference),
			zap.String("from", one.From), zap.String("to", p.Digest))
	}
	for _, one := range came.Stayed {
		c.cfg.Logger.Info("a tag leads elsewhere: the filter stays with what it led to, because its spec has no refresh",
			zap.String("filter", one.Filter), zap.String("reference", p.Reference), zap.String("from", one.From), zap.String("to", p.Digest))
		c.publishFilter(one.Filter)
	}
	if len(came.Moved) > 0 {
		c.saveSoon()
	}
	if len(came.Moved) > 0 || came.Shown {
		c.replan(ctx)
	}
}

// addTagProblems shows failed lookups of tags, for specs without another problem.
func (c *Control) addTagProblems(p *desired.Plan) {
	if !c.tags.Failing() {
		return
	}
	for _, s := range c.set.Specs {
		if problem := c.tags.Problem(s); problem != nil && p.Problems[s.Name] == nil {
			p.Problems[s.Name] = desired.ErrorOf(s, problem, desired.ModulePosition(s))
		}
	}
}

// newestModule is a served revision's module as its spec names the module now: a tag may have
// moved to another image with the same bytes.
func (c *Control) newestModule(r *snapshot.Revision) snapshot.Module {
	m := r.Module
	e := c.entries.of(r.Filter)
	if e != nil && e.done.Revision != nil && e.done.Revision.ID == r.ID {
		m = e.done.Revision.Module
	}
	return m
}
