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
	// graceOfLive is how long after `live` an answer may still be of an older revision: workers
	// take an update up a moment after the main thread's ACK, and share the cores with the load.
	graceOfLive = 2 * time.Second
	// stuckAfter is when a step is given up. It is more than any pause that the server has.
	stuckAfter = 2 * time.Minute
)

// Options says how long a run is and what it runs.
type Options struct {
	Seed     uint64
	Versions []string // of the Envoys; the first is the newest
	// The run ends when each of these that is not 0 is reached: a time, operations, requests.
	Duration time.Duration
	Steps    int
	Requests int64
	Rate     int    // requests a second of all Envoys together; 0: as fast as they answer
	Binary   string // the server, as [BuildServer] makes it
	Log      io.Writer
	Stuck    time.Duration // after which a step is given up; 0: two minutes
	First    bool          // the run ends with the first thing that is wrong
}

// rig is what one run acts on.
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
	back         chan struct{} // has a value when what the step killed is started again
	revisions    Revisions
	api          api
	damaged      bool // files of the state have been damaged

	mu     sync.Mutex
	step   Step
	report Report
}

func (r *rig) setArgs(preflight string) {
	r.cp.SetArgs("--preflight", preflight, "--log-level", "info")
}

// wrong notes an answer that is not right.
func (r *rig) wrong(v Verdict, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.example(r.step, fmt.Sprintf("%s: %s", v, text))
}

// isBack tells a change that waits for it that what was killed is started again.
func (r *rig) isBack() {
	select {
	case r.back <- struct{}{}:
	default: // none waits, or it was told before
	}
}

// must ends the run where its own tools fail.
func (r *rig) must(what string, err error) {
	if err != nil {
		r.t.Fatalf("%s: %v", what, fmt.Errorf("the run's own tools: %w", err))
	}
}

func (r *rig) spec(filter int) string {
	return filepath.Join(r.dir, string(Filters()[filter])+".yaml")
}

// modulePath is where a content's module lies: beside the directory, so that a spec and its
// module change in one rename.
func (r *rig) modulePath(c Content) string { return filepath.Join(r.modules, c.File+".wasm") }
