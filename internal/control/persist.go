package control

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

const (
	stateFile   = "state.json"
	stateFormat = 1
	// A module is collected only when it has lain unused for a while: a spec that is
	// being resolved may be about to name it.
	collectAge   = 10 * time.Minute
	collectEvery = time.Minute
)

// savedState is the file that a restart goes on from. It holds plugin
// configurations: the file is the user's alone.
type savedState struct {
	Format int             `json:"format"`
	Memory delivery.Memory `json:"memory"`
	Pins   map[string]Pin  `json:"pins,omitempty"`
}

// restore makes the machine, from the state where there is one.
func (c *Control) restore() {
	var state savedState
	text, err := c.cfg.Files.Load(stateFile)
	if err == nil {
		err = json.Unmarshal(text, &state)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		c.cfg.Logger.Error("the state cannot be read: starting without it", zap.Error(err))
		state = savedState{}
	case state.Format != stateFormat:
		c.cfg.Logger.Error("the state is of another format: starting without it", zap.Int("format", state.Format))
		state = savedState{}
	}
	policy := c.cfg.Policy
	policy.Epoch = newEpoch()
	policy.Substitutes = c.cfg.StandIns
	c.machine = delivery.New(policy, state.Memory, time.Now())
	c.plan.pins = state.Pins
	var filters []*snapshot.Filter
	for _, f := range state.Memory.Filters {
		if f.Wanted != nil {
			filters = append(filters, f.Wanted)
		}
	}
	if len(filters) > 0 {
		c.snapshot = snapshot.New(filters)
		c.fromState = true
		c.updateServed()
		c.open()
	}
}

func newEpoch() uint32 {
	var b [4]byte
	// crypto/rand.Read never fails.
	_, _ = rand.Read(b[:])
	return binary.BigEndian.Uint32(b[:])
}

// save has the state written, by one writer: what changes meanwhile is written next.
func (c *Control) save() {
	if c.saving {
		c.unsaved = true
		return
	}
	c.saving, c.unsaved = true, false
	c.writing, c.waiting = c.waiting, nil
	state := c.state()
	c.workers.Go(func() { c.post(saved{c.write(state)}) })
}

// sendOnceSaved sends what no Envoy has loaded yet as soon as the state on disk
// knows of it. Else a crash right after the push would forget which Envoy was the
// canary, and another one would meet the revision next.
func (c *Control) sendOnceSaved(sends []delivery.Send) {
	switch {
	case len(sends) == 0:
	case c.saving && c.unsaved:
		c.waiting = append(c.waiting, sends...)
	case c.saving:
		c.writing = append(c.writing, sends...)
	default:
		for _, send := range sends {
			c.carryOut(send)
		}
	}
}

func (c *Control) state() savedState {
	return savedState{Format: stateFormat, Memory: c.machine.Memory(), Pins: maps.Clone(c.plan.pins)}
}

func (c *Control) write(state savedState) error {
	text, err := json.Marshal(state)
	if err != nil {
		return err
	}
	return c.cfg.Files.Save(stateFile, text)
}

func (c *Control) takeSaved(err error) {
	c.saving = false
	if err != nil {
		c.cfg.Logger.Error("the state cannot be saved: a restart would go on from an older one", zap.Error(err))
	}
	// Also where it could not be saved: a full disk stops no delivery.
	ready := c.writing
	c.writing = nil
	for _, send := range ready {
		c.carryOut(send)
	}
	if c.unsaved {
		c.save()
		return
	}
	c.collect()
}

// saveLast writes what is not written yet, when the control ends: after the writer
// that may be under way, so that the older never overwrites the newer.
func (c *Control) saveLast() {
	if !c.saving {
		return
	}
	for c.saving {
		if m, ok := (<-c.inbox).(saved); ok {
			c.saving = false
			c.unsaved = c.unsaved || m.err != nil
		}
	}
	if !c.unsaved {
		return
	}
	if err := c.write(c.state()); err != nil {
		c.cfg.Logger.Error("the state cannot be saved", zap.Error(err))
	}
}

// collect removes the modules that no kept revision names.
func (c *Control) collect() {
	if c.fromState || time.Since(c.collected) < collectEvery {
		return
	}
	c.collected = time.Now()
	keep := map[string]struct{}{}
	for _, r := range c.machine.Revisions() {
		keep[r.Module.SHA256] = struct{}{}
	}
	for _, r := range c.results {
		keep[r.module.SHA256] = struct{}{}
	}
	c.workers.Go(func() {
		removed, err := c.cfg.Store.Collect(func(sum string) bool { _, ok := keep[sum]; return ok }, collectAge)
		if err != nil {
			c.cfg.Logger.Warn("old modules could not be removed", zap.Error(err))
		}
		if removed > 0 {
			c.cfg.Logger.Info("modules that nothing names any more were removed", zap.Int("count", removed))
		}
	})
}
