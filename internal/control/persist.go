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
)

const (
	stateFile = "state.json"
	// unsettledFile is separate from the state because pushes wait for the file. The file stays
	// small with any number of filters.
	unsettledFile = "unsettled.json"
	stateFormat   = 1
	// saveEvery is the time between two saves without waiters: thousands of ACKs in a row
	// are saved together. If a save takes long, because of a large state or a slow disk, the time
	// is saveShare times the duration of the last save, and saveGapMost at most.
	saveEvery   = 100 * time.Millisecond
	saveShare   = 4
	saveGapMost = 2 * time.Second
	// saveDelay is the time before a save without waiters. Pushes to Envoys come first,
	// and an Envoy on the same machine needs all cores to compile a module.
	saveDelay = saveEvery
)

// savedState is the file from which a restart continues. The file has plugin configurations, and
// therefore only its owner may read it.
// See docs/RATIONALE.md#why-is-the-state-one-file-written-whole.
type savedState struct {
	Format int             `json:"format"`
	Memory delivery.Memory `json:"memory"`
	Pins   map[string]Pin  `json:"pins,omitempty"`
	// Namings are the digests of tags in registries, by filter. Null: an older version, which
	// knew only Tags, has written the state.
	Namings map[string]savedNaming `json:"namings,omitzero"`
	// Tags are digests by reference, for an older version of wasm-xds.
	Tags map[string]string `json:"tags,omitempty"`
}

// restore makes the machine, from the saved state if there is one.
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
	if text, err := c.cfg.Files.Load(unsettledFile); err == nil {
		err = json.Unmarshal(text, &state.Memory.Unsettled)
		if err != nil {
			c.cfg.Logger.Error("the canaries of before cannot be read", zap.Error(err))
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		c.cfg.Logger.Error("the canaries of before cannot be read", zap.Error(err))
	}
	policy := c.cfg.Policy
	policy.Epoch = newEpoch()
	policy.Substitutes = c.cfg.StandIns
	c.machine = delivery.New(policy, state.Memory, time.Now())
	c.plan.pins = state.Pins
	c.tags.restore(state.Namings, state.Tags, c.machine.Snapshot())
	if remembered := c.machine.Snapshot(); remembered.Len() > 0 {
		c.snapshot = remembered
		c.fromState = true
		c.served.replace(c.namedModules(time.Now()))
		c.open()
	}
}

func newEpoch() uint32 {
	var b [4]byte
	// crypto/rand.Read never fails.
	_, _ = rand.Read(b[:])
	return binary.BigEndian.Uint32(b[:])
}

// save starts a writer of the state. Changes during the write go into the next save.
func (c *Control) save() {
	if c.saving {
		c.unsaved = true
		return
	}
	c.saving, c.unsaved, c.saveDue, c.saveBegan = true, false, time.Time{}, time.Now()
	c.durable.saving, c.durable.waiting = c.durable.waiting, nil
	state := c.state()
	c.workers.Go(func() { c.post(saved{state.Memory.Seq, c.write(state)}) })
}

// waiters are channels to close once a change is on disk.
type waiters struct {
	saving  []chan struct{} // the running save has the change
	waiting []chan struct{} // the next save will have it
}

// saveNow saves as soon as possible. The channel is closed after the save, successful or not.
func (c *Control) saveNow() <-chan struct{} {
	done := make(chan struct{})
	c.durable.waiting = append(c.durable.waiting, done)
	c.save()
	return done
}

// saveSoon saves after saveDelay, but not twice within saveGap: the encoding of the whole state
// keeps a core busy for longer than all other work of an edit.
func (c *Control) saveSoon() {
	if !c.saveDue.IsZero() {
		return
	}
	c.saveDue = time.Now().Add(saveDelay)
	if next := c.lastSaved.Add(c.saveGap); c.saveDue.Before(next) {
		c.saveDue = next
	}
}

// sendOnceSaved sends unproven revisions as soon as the disk has the names of the nodes that get
// them. Otherwise a crash right after the push would forget which Envoy was the canary, and
// another Envoy would get the revision next. A power failure before the next save of the state, a
// tenth of a second later, may still forget the canary. A wait for the disk would cost every edit
// more than all other work here.
func (c *Control) sendOnceSaved(sends []delivery.Send) {
	if len(sends) == 0 {
		return
	}
	if !c.unsettled.saving {
		for _, send := range sends {
			c.carryOut(send)
		}
		return
	}
	c.sender.Prepare(sends[0]) // the remaining sends mostly have the same resource for other Envoys
	if c.unsettled.again {
		c.unsettled.waiting = append(c.unsettled.waiting, sends...)
	} else {
		c.unsettled.writing = append(c.unsettled.writing, sends...)
	}
}

// unsettledSaver tracks the writes of the file of unsettled nodes.
type unsettledSaver struct {
	saving, again bool
	due           time.Time       // of a save without waiters; zero: none
	writing       []delivery.Send // wait for the running write
	waiting       []delivery.Send // wait for the next write
}

// holds says whether a send waits for a write.
func (u *unsettledSaver) holds() bool { return len(u.writing)+len(u.waiting) > 0 }

func (c *Control) saveUnsettled() {
	if c.unsettled.saving {
		c.unsettled.again, c.unsettled.due = true, time.Time{}
		return
	}
	c.unsettled = unsettledSaver{saving: true, writing: c.unsettled.waiting}
	unsettled := c.machine.Unsettled()
	c.workers.Go(func() { c.post(unsettledSaved{c.writeUnsettled(unsettled)}) })
}

// saveUnsettledSoon saves changes without waiters: a node has settled.
func (c *Control) saveUnsettledSoon() {
	if c.unsettled.due.IsZero() {
		c.unsettled.due = time.Now().Add(saveEvery)
	}
}

func (c *Control) writeUnsettled(unsettled delivery.Unsettled) error {
	text, err := json.Marshal(unsettled)
	if err != nil {
		return err
	}
	return c.cfg.Files.Write(unsettledFile, text)
}

func (c *Control) takeUnsettledSaved(err error) {
	if err != nil {
		// A full disk stops no delivery.
		c.cfg.Logger.Error("the canaries cannot be saved: a restart may choose others", zap.Error(err))
	}
	ready := c.unsettled.writing
	c.unsettled.saving, c.unsettled.writing = false, nil
	for _, send := range ready {
		c.carryOut(send)
	}
	if c.unsettled.again {
		c.saveUnsettled()
	}
}

func (c *Control) state() savedState {
	namings, digests := c.tags.save()
	return savedState{
		Format: stateFormat, Memory: c.machine.Untidy(), Pins: maps.Clone(c.plan.pins), Namings: namings, Tags: digests,
	}
}

// write saves the state, after the modules of the state. Writers never run concurrently.
func (c *Control) write(state savedState) error {
	state.Memory.Tidy()
	text, err := c.stateText.of(state)
	if err != nil {
		return err
	}
	return errors.Join(c.cfg.Store.Sync(), c.cfg.Files.Sync(unsettledFile), c.cfg.Files.Save(stateFile, text))
}

func (c *Control) takeSaved(m saved) {
	c.saving, c.lastSaved = false, time.Now()
	c.saveGap = min(max(saveEvery, saveShare*c.lastSaved.Sub(c.saveBegan)), saveGapMost)
	if m.err != nil {
		c.cfg.Logger.Error("the state cannot be saved: a restart would go on from an older one", zap.Error(m.err))
	} else {
		c.machine.Saved(m.seq)
	}
	for _, done := range c.durable.saving {
		close(done)
	}
	c.durable.saving = nil
	switch {
	case len(c.durable.waiting) > 0:
		c.save()
	case c.unsaved:
		c.saveDue = c.lastSaved.Add(c.saveGap)
	default:
		c.collectSoon()
	}
}

// saveWhatIsDue starts the due saves.
func (c *Control) saveWhatIsDue() {
	now := time.Now()
	if !c.saveDue.IsZero() && !now.Before(c.saveDue) {
		c.save()
	}
	if !c.unsettled.due.IsZero() && !now.Before(c.unsettled.due) {
		c.saveUnsettled()
	}
	if due := c.verdicts.due; !due.IsZero() && !now.Before(due) {
		c.saveVerdicts()
	}
	if !c.garbage.due.IsZero() && !now.Before(c.garbage.due) {
		c.collect(now)
	}
}

// saveLast writes all unsaved changes at the end of the control. It waits for running writers, so
// that older data never overwrites newer data.
func (c *Control) saveLast() {
	for c.saving || c.unsettled.saving || c.verdicts.saving {
		switch m := (<-c.inbox).(type) {
		case saved:
			c.saving, c.unsaved = false, c.unsaved || m.err != nil
		case unsettledSaved:
			c.unsettled.saving, c.unsettled.again = false, c.unsettled.again || m.err != nil
		case verdictsSaved:
			c.takeVerdictsSaved(m.err)
		}
	}
	var err error
	if c.unsaved || !c.saveDue.IsZero() {
		err = c.write(c.state())
	}
	if c.unsettled.again || !c.unsettled.due.IsZero() {
		err = errors.Join(err, c.writeUnsettled(c.machine.Unsettled()))
	}
	if !c.verdicts.due.IsZero() {
		err = errors.Join(err, c.writeVerdicts(c.usedVerdicts()))
	}
	if err != nil {
		c.cfg.Logger.Error("the state cannot be saved", zap.Error(err))
	}
}
