package control

import (
	"context"

	"github.com/wasm-xds/wasm-xds/internal/gitcheckout"
	"github.com/wasm-xds/wasm-xds/internal/record"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// describe finds out the details of revisions.
func (w *workers) describe(jobs []description, key []byte) {
	w.Go(func() {
		var checkouts gitcheckout.Reader
		imports := map[string][]string{}
		all := make([]record.Details, len(jobs))
		for i, job := range jobs {
			d := &all[i]
			d.Text = record.TextOf(job.revision, job.filter, key)
			if sum := job.revision.Module.SHA256; w.appraiser != nil && sum != "" && job.tries == 0 {
				known, is := imports[sum]
				if !is {
					known = w.appraiser.Imports(sum)
					imports[sum] = known
				}
				d.Imports = known
			}
			if job.filter == nil || job.pinned {
				continue
			}
			if c, ok := checkouts.Commit(job.filter.SpecFile); ok {
				d.Commit = &record.Commit{ID: c.ID, File: c.File, Dirty: c.Dirty}
			}
		}
		w.inbox.post(described{jobs, all})
	})
}

// appraise measures the cost of a revision. cancel ends the measurement.
func (w *workers) appraise(ctx context.Context, s *spec.Spec, r *snapshot.Revision) (cancel func()) {
	ctx, cancel = context.WithCancel(ctx)
	w.Go(func() {
		defer cancel()
		cost := w.appraiser.Cost(ctx, s, r.Module, r.Config)
		w.inbox.post(appraised{r.Filter, r.ID, cost, ctx.Err() != nil})
	})
	return cancel
}
