package chaos

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

const (
	// graceOfLive is the time after `live` in which an answer may still show an older revision.
	// Envoy's workers apply an update a moment after the main thread's ACK, and share the cores
	// with the load.
	graceOfLive = 2 * time.Second
	// stuckAfter is the time after which a step counts as stuck. No pause of the server is longer.
	stuckAfter = 2 * time.Minute
)

// Options configure a run.
type Options struct {
	Seed     uint64
	Versions []string // of the Envoys; the first is the newest
	// The run ends when it has reached all of these minimums: time, operations, requests.
	Duration time.Duration
	Steps    int
	Requests int64
	Rate     int    // requests per second for all Envoys together; 0: as fast as possible
	Binary   string // the server from [BuildServer]
	Log      io.Writer
	Stuck    time.Duration // the time after which a step counts as stuck; 0: two minutes
	First    bool          // the run ends with the first fault
}

// rig has the parts of one run: processes, directories, model and report.
type rig struct {
	t   harness.TB
	ctx context.Context
	o   Options

	dir, modules string // of the specs, and of their modules
	disk         *disk
	clock        *clock
	cp           *harness.ControlPlane
	envoys       []*envoy
	nodes        []Node
	plan         *Plan
	back         chan struct{} // gets a value when the killed process runs again
	revisions    Revisions
	api          api
	page         *page
	damaged      bool // files of the state directory were damaged

	mu     sync.Mutex
	step   Step
	report Report
}

func (r *rig) setArgs(preflight string) {
	r.cp.SetArgs("--preflight", preflight, "--log-level", "info")
}

// wrong notes a wrong answer.
func (r *rig) wrong(v Verdict, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.example(r.step, fmt.Sprintf("%s: %s", v, text))
}

// isBack tells a waiting change that the killed process runs again.
func (r *rig) isBack() {
	select {
	case r.back <- struct{}{}:
	default: // no change waits, or isBack was called before
	}
}

// must ends the run if the run's own tools fail.
func (r *rig) must(what string, err error) {
	if err != nil {
		r.t.Fatalf("%s: %v", what, fmt.Errorf("the run's own tools: %w", err))
	}
}

func (r *rig) spec(filter int) string {
	return filepath.Join(r.dir, string(Filters()[filter])+".yaml")
}

// modulePath returns the path of a content's module, beside the directory. So a spec and the spec's
// module change in one rename.
func (r *rig) modulePath(c Content) string { return filepath.Join(r.modules, c.File+".wasm") }
