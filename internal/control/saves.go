package control

import (
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/findings"
	"github.com/wasm-xds/wasm-xds/internal/persist"
	"github.com/wasm-xds/wasm-xds/internal/report"
)

// findingsEvery is the time between new findings and their save, so a thousand of them need
// only a few writes. After a crash, the sandbox repeats the unsaved checks.
const findingsEvery = time.Second

// saves write the files when they are due. The methods belong to Run's goroutine.
type saves struct {
	workers *workers
	writer  *persist.Writer
	log     *zap.Logger
	sandbox string
	metrics Metrics
	view    *report.View // the contents of the files
	history *chronicle

	state     persist.Schedule
	unsettled persist.Barrier[delivery.Send]
	findings  persist.Delay
}

// stateSoon and findingsSoon schedule a save for a change that nobody waits for.
func (s *saves) stateSoon()    { s.state.Soon(time.Now()) }
func (s *saves) findingsSoon() { s.findings.Soon(time.Now(), findingsEvery) }

// contents is the state to save.
func (s *saves) contents() persist.State {
	namings, digests := s.view.Tags.Save()
	return persist.State{Memory: s.view.Machine.Untidy(), Pins: s.view.Plan.Pins, Namings: namings, Tags: digests}
}

// known returns the findings for the writer.
func (s *saves) known() findings.Used {
	return s.view.Specs.Checks().Known.Used(s.view.Specs.FindingKeys)
}

// start starts the due writes.
func (s *saves) start(now time.Time) {
	if s.state.Begin(now) {
		state := s.contents()
		s.workers.Go(func() { s.workers.inbox.post(stateSaved{state.Memory.Seq, s.writer.State(state)}) })
	}
	if due := s.unsettled.Due(); !due.IsZero() && !now.Before(due) {
		s.writeUnsettled()
	}
	if s.findings.Begin(now) {
		known := s.known()
		s.workers.Go(func() { s.workers.inbox.post(findingsSaved{s.writer.Findings(s.sandbox, known)}) })
	}
}

// writeUnsettled starts a write of the unsettled nodes, now or after the running one.
func (s *saves) writeUnsettled() {
	if !s.unsettled.Begin() {
		return
	}
	unsettled := s.view.Machine.Unsettled()
	s.workers.Go(func() { s.workers.inbox.post(unsettledSaved{s.writer.Unsettled(unsettled)}) })
}

// takeState takes the end of a save of the state, and says whether the disk has every change.
func (s *saves) takeState(m stateSaved, now time.Time) (idle bool) {
	s.state.Ended(now)
	s.metrics.StateSaved(m.err == nil)
	if m.err != nil {
		s.log.Error("the state cannot be saved: a restart would go on from an older one", zap.Error(m.err))
	} else {
		s.view.Machine.Saved(m.seq)
	}
	return s.state.Idle()
}

// takeUnsettled takes the end of a write of the unsettled nodes, and returns the sends that
// waited for it. again: another write has to begin after these sends.
func (s *saves) takeUnsettled(err error) (ready []delivery.Send, again bool) {
	if err != nil {
		// A full disk stops no delivery.
		s.log.Error("the canaries cannot be saved: a restart may choose others", zap.Error(err))
	}
	return s.unsettled.Ended()
}

// takeFindings takes the end of a write of the findings.
func (s *saves) takeFindings(err error) {
	s.findings.Ended()
	if err != nil {
		s.log.Error("the sandbox's verdicts cannot be saved: a restart tries filters again", zap.Error(err))
	}
}

// last writes all unsaved changes at the end of Run. It waits for running writers, so
// older data never overwrites newer data.
func (s *saves) last() {
	for s.state.Running() || s.unsettled.Running() || s.findings.Running() || s.history.save.Running() {
		switch m := (<-s.workers.inbox.messages).(type) {
		case stateSaved:
			s.state.EndedLast(m.err != nil)
		case unsettledSaved:
			s.unsettled.EndedLast(m.err != nil)
		case findingsSaved:
			s.takeFindings(m.err)
		case historySaved:
			s.history.takeSaved(m)
		}
	}
	s.history.last(time.Now())
	var err error
	if s.state.Unsaved() {
		err = s.writer.State(s.contents())
	}
	if s.unsettled.Unsaved() {
		err = errors.Join(err, s.writer.Unsettled(s.view.Machine.Unsettled()))
	}
	if s.findings.Unsaved() {
		err = errors.Join(err, s.writer.Findings(s.sandbox, s.known()))
	}
	if err != nil {
		s.log.Error("the state cannot be saved", zap.Error(err))
	}
}
