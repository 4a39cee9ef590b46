package control

import (
	"context"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// downloads are the running network jobs, by key.
type downloads map[string]*downloading

// downloading is a running job. Only its address tells it from a later job with the same key.
type downloading struct {
	key    string
	name   string // of a filter with the module
	cancel context.CancelFunc
	wait   transfer.Wait // the reason for which the download pauses; zero: no pause
}

// ended takes the end of a job, and says whether the result counts. Results of local files always
// count. The result of a download does not count after the download was cancelled.
func (d downloads) ended(one *downloading) bool {
	if one == nil {
		return true
	}
	one.cancel()
	if d[one.key] != one {
		return false
	}
	delete(d, one.key)
	return true
}

// drop cancels the unwanted downloads, and returns their keys.
func (d downloads) drop(wanted func(key string) bool) (keys []string) {
	for key, one := range d {
		if !wanted(key) {
			one.cancel()
			delete(d, key)
			keys = append(keys, key)
		}
	}
	return keys
}

// download runs a network job. No other job waits for a download.
func (c *Control) download(ctx context.Context, j job) {
	ctx, cancel := context.WithCancel(ctx)
	one := &downloading{key: j.key, name: j.name, cancel: cancel}
	c.downloads[j.key] = one
	ctx = transfer.WithReport(ctx, func(w transfer.Wait) { c.post(waits{one, w}) })
	c.workers.Go(func() { c.post(resolved{map[string]result{j.key: c.runJob(ctx, j)}, one}) })
}

// takeWait notes the reason for which a download pauses. All filters with the download show
// the reason.
func (c *Control) takeWait(w waits) {
	if w.of.wait == w.what {
		return
	}
	w.of.wait = w.what
	c.publishFilter(w.of.name)
}

// dropDownloads cancels the downloads without a spec.
func (c *Control) dropDownloads() {
	if len(c.downloads) == 0 {
		return
	}
	wanted := make(map[string]struct{}, len(c.entries.open))
	for _, e := range c.entries.open {
		wanted[e.module.key] = struct{}{}
	}
	for _, key := range c.downloads.drop(func(key string) bool { _, ok := wanted[key]; return ok }) {
		delete(c.running, key)
	}
}

// waitingError explains why the download of a filter's module pauses; nil: no pause.
func (c *Control) waitingError(name string) *spec.Error {
	e := c.entries.of(name)
	if e == nil {
		return nil
	}
	one := c.downloads[e.module.key]
	if one == nil || one.wait.Why == "" {
		return nil
	}
	message := "the download of its module waits: " + one.wait.Why
	if !one.wait.Until.IsZero() {
		message += "; it goes on at " + one.wait.Until.UTC().Format(time.TimeOnly) + " UTC"
	}
	return &spec.Error{
		Code: api.CodeDownloadWaits, Message: message, Hint: "it goes on by itself; what was served before is served on",
		Name: e.spec.Name, Pos: desired.ModulePosition(e.spec),
	}
}
