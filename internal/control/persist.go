package control

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io/fs"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/findings"
	"github.com/wasm-xds/wasm-xds/internal/persist"
)

// findingsEvery is the time between new findings and their save, so that a thousand of them need
// only a few writes. After a crash, the sandbox repeats the unsaved checks.
const findingsEvery = time.Second

// restore makes the machine, from the saved state if there is one.
func (c *Control) restore() {
	state := persist.Load(c.cfg.Files, c.cfg.Logger)
	policy := c.cfg.Policy
	policy.Epoch = newEpoch()
	policy.Substitutes = c.cfg.StandIns
	c.machine = delivery.New(policy, state.Memory, time.Now())
	c.plan.Pins = state.Pins
	c.tags.Restore(state.Namings, state.Tags, c.machine.Snapshot())
	if remembered := c.machine.Snapshot(); remembered.Len() > 0 {
		c.snapshot = remembered
		c.fromState = true
		c.served.replace(c.namedModules(time.Now()))
		c.open()
	}
}

// loadFindings takes the saved findings of the same sandbox.
func (c *Control) loadFindings() {
	text, err := persist.LoadFindings(c.cfg.Files)
	if err == nil {
		err = c.findings.Decode(c.cfg.Sandbox, text)
	}
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, findings.ErrOtherSandbox):
		c.cfg.Logger.Info("the sandbox is another than before: every filter is tried again")
	default:
		c.cfg.Logger.Warn("the sandbox's verdicts cannot be read: every filter is tried again", zap.Error(err))
	}
}

func newEpoch() uint32 {
	var b [4]byte
	// crypto/rand.Read never fails.
	_, _ = rand.Read(b[:])
	return binary.BigEndian.Uint32(b[:])
}

// saves are the times at which the files are written.
type saves struct {
	writer    *persist.Writer
	state     persist.Schedule
	unsettled persist.Barrier[delivery.Send]
	findings  persist.Delay
}

func (c *Control) saveSoon()         { c.saves.state.Soon(time.Now()) }
func (c *Control) saveFindingsSoon() { c.saves.findings.Soon(time.Now(), findingsEvery) }

// sendOnceSaved sends unproven revisions as soon as the disk has the names of the nodes that get
// them. A power failure before the next save of the state, a tenth of a second later, may still
// forget the canary. A wait for the disk would cost every edit more than all other work here.
func (c *Control) sendOnceSaved(sends []delivery.Send) {
	if len(sends) == 0 {
		return
	}
	if c.saves.unsettled.Pass(sends...) {
		for _, send := range sends {
			c.carryOut(send)
		}
		return
	}
	c.sender.Prepare(sends[0]) // the remaining sends mostly have the same resource for other Envoys
}

func (c *Control) saveUnsettled() {
	if !c.saves.unsettled.Begin() {
		return
	}
	unsettled := c.machine.Unsettled()
	c.workers.Go(func() { c.post(unsettledSaved{c.saves.writer.Unsettled(unsettled)}) })
}

func (c *Control) takeUnsettledSaved(err error) {
	if err != nil {
		// A full disk stops no delivery.
		c.cfg.Logger.Error("the canaries cannot be saved: a restart may choose others", zap.Error(err))
	}
	ready, again := c.saves.unsettled.Ended()
	for _, send := range ready {
		c.carryOut(send)
	}
	if again {
		c.saveUnsettled()
	}
}

func (c *Control) takeFindingsSaved(err error) {
	c.saves.findings.Ended()
	if err != nil {
		c.cfg.Logger.Error("the sandbox's verdicts cannot be saved: a restart tries filters again", zap.Error(err))
	}
}

// usedFindings returns the findings for the writer.
func (c *Control) usedFindings() findings.Used {
	return c.findings.Used(func(yield func(key string)) {
		for _, e := range c.entries.all {
			yield(e.verdict)
		}
	})
}

// state is the state to save.
func (c *Control) state() persist.State {
	namings, digests := c.tags.Save()
	return persist.State{Memory: c.machine.Untidy(), Pins: c.plan.Pins, Namings: namings, Tags: digests}
}

func (c *Control) takeSaved(m saved) {
	c.saves.state.Ended(time.Now())
	if m.err != nil {
		c.cfg.Logger.Error("the state cannot be saved: a restart would go on from an older one", zap.Error(m.err))
	} else {
		c.machine.Saved(m.seq)
	}
	if c.saves.state.Idle() {
		c.collectSoon()
	}
}

// saveWhatIsDue starts the due saves.
func (c *Control) saveWhatIsDue() {
	now := time.Now()
	if c.saves.state.Begin(now) {
		state := c.state()
		c.workers.Go(func() { c.post(saved{state.Memory.Seq, c.saves.writer.State(state)}) })
	}
	if due := c.saves.unsettled.Due(); !due.IsZero() && !now.Before(due) {
		c.saveUnsettled()
	}
	if c.saves.findings.Begin(now) {
		used := c.usedFindings()
		c.workers.Go(func() { c.post(findingsSaved{c.saves.writer.Findings(c.cfg.Sandbox, used)}) })
	}
	if !c.garbage.due.IsZero() && !now.Before(c.garbage.due) {
		c.collect(now)
	}
}

// saveLast writes all unsaved changes at the end of the control. It waits for running writers, so
// that older data never overwrites newer data.
func (c *Control) saveLast() {
	s := &c.saves
	for s.state.Running() || s.unsettled.Running() || s.findings.Running() {
		switch m := (<-c.inbox).(type) {
		case saved:
			s.state.EndedLast(m.err != nil)
		case unsettledSaved:
			s.unsettled.EndedLast(m.err != nil)
		case findingsSaved:
			c.takeFindingsSaved(m.err)
		}
	}
	var err error
	if s.state.Unsaved() {
		err = s.writer.State(c.state())
	}
	if s.unsettled.Unsaved() {
		err = errors.Join(err, s.writer.Unsettled(c.machine.Unsettled()))
	}
	if s.findings.Unsaved() {
		err = errors.Join(err, s.writer.Findings(c.cfg.Sandbox, c.usedFindings()))
	}
	if err != nil {
		c.cfg.Logger.Error("the state cannot be saved", zap.Error(err))
	}
}
