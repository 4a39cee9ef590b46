package track

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/checkqueue"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/findings"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Checks are the sandbox's part of the journeys: the known findings, and the queue of the checks
// without findings. Specs makes its own.
type Checks struct {
	// Queue decides when each check runs.
	Queue *checkqueue.Queue
	// Known are the findings of checks that have ended.
	Known findings.Known

	on      bool // there is a sandbox
	mode    examine.Mode
	hostEnv map[string]string
}

func newChecks(cfg Config) *Checks {
	return &Checks{
		Queue: checkqueue.New(cfg.Places, cfg.Pauses), on: cfg.Sandbox, mode: cfg.Preflight, hostEnv: cfg.HostEnv,
	}
}

// content is the input of the sandbox: a spec, completed from the metadata of its module, the
// module and the configuration.
type content struct {
	spec   *spec.Spec
	module snapshot.Module
	config *string
}

// try returns the check of a content; nil: the content is not tried. read is the key of the
// read that brought the module.
func (c *Checks) try(of *content, read string) *checkqueue.Check {
	if !c.on || !examine.Needed(c.mode, of.spec) {
		return nil
	}
	tried := examine.WithHostEnv(of.spec, c.hostEnv)
	return &checkqueue.Check{
		Key: examine.Key(c.mode, tried, of.module.SHA256, of.config), Spec: tried, Module: of.module, Config: of.config,
		Read: read,
	}
}

// End is the end of a run of a check.
type End struct {
	Check    *checkqueue.Check
	Findings examine.Findings
	// Err explains why the module's bytes are missing; nil: they are not.
	Err *spec.Error
	// Cancelled: Findings and Err mean nothing.
	Cancelled bool
}

// Ended takes the end of a run. publish: a plan is due. found: there are new findings to save.
func (c *Checks) Ended(e End, now time.Time) (publish, found bool) {
	if e.Cancelled || e.Err != nil {
		return c.Queue.Ended(e.Check, !e.Cancelled), false
	}
	if e.Findings.TookTooLong() {
		return c.Queue.TookTooLong(now, e.Check, e.Findings), false
	}
	publish = c.Queue.Ended(e.Check, true)
	c.Known.Put(e.Check.Key, e.Findings)
	return publish, true
}
