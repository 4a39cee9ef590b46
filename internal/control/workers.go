package control

import (
	"context"
	"runtime"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/wasm-xds/wasm-xds/internal/checkqueue"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/tags"
	"github.com/wasm-xds/wasm-xds/internal/track"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// workers do the slow work of specs on goroutines of their own, and post the results to the inbox.
// The methods belong to Run's goroutine.
type workers struct {
	sync.WaitGroup
	inbox     *inbox
	modules   ModuleResolver
	examiner  Examiner
	appraiser Appraiser // nil: none
	metrics   Metrics
	stops     map[*track.Task]context.CancelFunc // of the downloads under way
}

func newWorkers(in *inbox, cfg Config) *workers {
	return &workers{
		inbox: in, modules: cfg.Modules, examiner: cfg.Examiner, appraiser: cfg.Appraiser, metrics: cfg.Metrics, stops: map[*track.Task]context.CancelFunc{},
	}
}

// read does tasks on all cores: local files together, so one change makes one snapshot, and
// downloads singly.
func (w *workers) read(ctx context.Context, tasks []*track.Task) {
	var local []*track.Task
	for _, task := range tasks {
		if task.Slow() {
			w.download(ctx, task)
		} else {
			local = append(local, task)
		}
	}
	if len(local) == 0 {
		return
	}
	w.Go(func() {
		results := make([]track.Result, len(local))
		var group errgroup.Group
		group.SetLimit(runtime.GOMAXPROCS(0))
		for i, task := range local {
			group.Go(func() error {
				results[i] = w.result(ctx, task)
				return nil
			})
		}
		_ = group.Wait() // tasks return no error here, but in their results
		w.inbox.post(tasksEnded{local, results})
	})
}

// download does a task that uses the network. No other task waits for a download.
func (w *workers) download(ctx context.Context, task *track.Task) {
	ctx, w.stops[task] = context.WithCancel(ctx)
	ctx = transfer.WithReport(ctx, func(why transfer.Wait) { w.inbox.post(downloadWaits{task, why}) })
	w.Go(func() { w.inbox.post(tasksEnded{[]*track.Task{task}, []track.Result{w.result(ctx, task)}}) })
}

// stop ends downloads, and releases the contexts of downloads that have ended.
func (w *workers) stop(tasks []*track.Task) {
	for _, task := range tasks {
		if stop, slow := w.stops[task]; slow {
			stop()
			delete(w.stops, task)
		}
	}
}

func (w *workers) result(ctx context.Context, task *track.Task) track.Result {
	start := time.Now()
	var r track.Result
	if task.Module != nil {
		r.Module, r.Err = w.modules.ResolveSpec(ctx, task.Module)
		w.metrics.Resolved(r.Err == nil, time.Since(start))
	} else {
		r.Config, r.Err = module.ReadConfig(*task.Config)
	}
	if r.Err != nil {
		named := *r.Err
		named.Name = task.Name
		r.Err = &named
	}
	return r
}

// check runs a check in the sandbox.
func (w *workers) check(ctx context.Context, k *checkqueue.Check) {
	ctx, k.Cancel = context.WithCancel(ctx)
	cancel := k.Cancel
	w.Go(func() {
		defer cancel()
		timer := time.AfterFunc(checkqueue.Moment, func() { w.inbox.post(checkIsSlow{k}) })
		defer timer.Stop()
		start := time.Now()
		found, err := w.examiner.Examine(ctx, k.Spec, k.Module, k.Config)
		w.inbox.post(checkEnded{track.End{Check: k, Findings: found, Err: err, Cancelled: ctx.Err() != nil}, time.Since(start)})
	})
}

// poll asks a registry for the digest of a tag.
func (w *workers) poll(ctx context.Context, reference string, m spec.Module) {
	w.Go(func() {
		digest, err := w.modules.ResolveTag(ctx, m)
		w.inbox.post(tags.Poll{Reference: reference, Digest: digest, Err: err})
	})
}

// after posts a message after a time, unless Run ends before.
func (w *workers) after(ctx context.Context, wait time.Duration, message any) {
	w.Go(func() {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
			w.inbox.post(message)
		case <-ctx.Done():
		}
	})
}

// collect removes the modules that are not in named, and that are older than a time.
func (w *workers) collect(store ModuleStore, named map[string]time.Time, oldest time.Time, log *zap.Logger) {
	w.Go(func() {
		removed, err := store.Collect(func(sum string) bool { _, ok := named[sum]; return ok }, time.Since(oldest)+clockSlack)
		if err != nil {
			log.Warn("old modules could not be removed", zap.Error(err))
		}
		if removed > 0 {
			log.Info("modules that nothing names any more were removed", zap.Int("count", removed))
		}
	})
}
