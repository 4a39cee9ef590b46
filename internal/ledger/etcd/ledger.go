package etcd

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/internal/pause"
)

// Ledger keeps the ledger in etcd. Use [New].
type Ledger struct{ *shared }

var _ ledger.Ledger = (*Ledger)(nil)

// New makes a ledger, which connects with [Ledger.Run].
func New(cfg Config) *Ledger {
	if cfg.Life == 0 {
		cfg.Life = DefaultLife
	}
	k := keys(cfg.Access.Prefix() + "/ledger")
	return &Ledger{&shared{
		cfg: cfg, keys: k, log: cfg.Logger, queue: newQueue(), mirror: newMirror(k, cfg.Access.Keys(), cfg.Logger),
		answered: make(chan struct{}, 1),
	}}
}

// pauses are the pauses between two connections.
func pauses() pause.Policy {
	return pause.Policy{First: 100 * time.Millisecond, Most: 2 * time.Second, Jitter: 0.3}
}

// Run implements [ledger.Ledger].
func (l *Ledger) Run(ctx context.Context, tell func(ledger.Event)) error {
	told := &told{tell: tell, log: l.log}
	failures := 0
	for ctx.Err() == nil {
		c := &connection{l: l.shared, told: told}
		err := c.run(ctx)
		told.led(0, "")
		for _, filter := range l.queue.resign() {
			tell(ledger.Unchanged{Filter: filter})
		}
		if ctx.Err() != nil {
			break
		}
		failures++
		if c.complete {
			failures = 0
		}
		if errors.Is(err, errReadAgain) {
			l.log.Info("all keys of the ledger are read again", zap.Error(err))
			continue
		}
		told.reached(false, l.cfg.Access.Problem(err))
		timer := time.NewTimer(pauses().After(failures + 1))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil //nolint:nilerr // the end of ctx is the only end
}

// Propose implements [ledger.Ledger].
func (l *Ledger) Propose(p ledger.Proposal) { l.queue.propose(p) }

// Judge implements [ledger.Ledger].
func (l *Ledger) Judge(v ledger.Verdict, candidate bool) {
	l.queue.judge(l.keys.verdict(v), v, candidate)
}

// Note implements [ledger.Ledger].
func (l *Ledger) Note(ctx context.Context, all []ledger.Note) error {
	if len(all) == 0 {
		return nil
	}
	keys := make([]string, 0, len(all))
	for _, one := range all {
		keys = append(keys, l.keys.note(one))
	}
	number, ended := l.queue.note(keys, all)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		l.queue.forget(number)
		return ctx.Err()
	}
}

// Lose implements [ledger.Ledger].
func (l *Ledger) Lose(n ledger.Note) {
	l.queue.settle(l.keys.note(n), n, true)
}

// Settle implements [ledger.Ledger].
func (l *Ledger) Settle(all []ledger.Note) {
	for _, n := range all {
		l.queue.settle(l.keys.note(n), n, false)
	}
}

// Report implements [ledger.Ledger].
func (l *Ledger) Report(p ledger.Presence) { l.queue.report(p) }

// Ask implements [ledger.Ledger].
func (l *Ledger) Ask(c ledger.Command) {
	l.queue.with(func() { l.queue.asked.set(c.ID, &asking{c}) })
}

// Freeze implements [ledger.Ledger].
func (l *Ledger) Freeze(term int64, h *rollout.Hold, done string) {
	l.queue.with(func() { l.queue.freezes.set(done, &freezing{term, h, done}) })
}
