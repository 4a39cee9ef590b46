package control

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
)

// slowLedger answers notes after a time, and keeps what it is told.
type slowLedger struct {
	ledger.Ledger
	after  time.Duration
	err    error
	frozen *rollout.Hold
	report ledger.Presence
	asked  []ledger.Command
}

func (l *slowLedger) Note(ctx context.Context, _ []ledger.Note) error {
	select {
	case <-time.After(l.after):
		return l.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *slowLedger) Freeze(_ int64, h *rollout.Hold, _ string) { l.frozen = h }
func (l *slowLedger) Report(p ledger.Presence)                  { l.report = p }
func (l *slowLedger) Ask(c ledger.Command)                      { l.asked = append(l.asked, c) }

func replicasOf(l ledger.Ledger) (*replicas, *inbox, *atomic.Pointer[Replicas]) {
	in, shown := newInbox(), &atomic.Pointer[Replicas]{}
	cfg := Config{Ledger: l, Replica: ledger.Presence{Replica: "a", URL: "https://a", Key: "k", Version: "v1"}}
	r := newReplicas(cfg, in, newWorkers(in, cfg), shown)
	return &r, in, shown
}

// An unproven send goes on once the ledger has its note, and is taken back if the note is refused,
// late or missing.
func TestUnprovenSendWaitsForItsNote(t *testing.T) {
	for name, tt := range map[string]struct {
		ledger *slowLedger
		noted  bool
		want   error
	}{
		"at once":   {&slowLedger{}, true, nil},
		"slow":      {&slowLedger{after: noteLimit - time.Second}, true, nil},
		"refused":   {&slowLedger{err: ledger.ErrUnchanged}, true, ledger.ErrUnchanged},
		"no etcd":   {&slowLedger{after: time.Hour}, true, context.DeadlineExceeded},
		"no canary": {&slowLedger{}, false, errNoNote},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, in, _ := replicasOf(tt.ledger)
				if tt.noted && !r.carryOut(delivery.NoteFirst{Stream: 1, Note: ledger.Note{Node: "edge"}}) {
					t.Error("a note is no action for the ledger")
				}
				send := delivery.Send{Stream: 1, Unproven: true}
				r.note(send)
				if tt.ledger.after > 0 {
					synctest.Wait()
					if len(in.messages) > 0 {
						t.Fatal("the send does not wait")
					}
				}
				m := (<-in.messages).(sendNoted)
				if m.send.Stream != send.Stream || !errors.Is(m.err, tt.want) || (m.err == nil) != (tt.want == nil) {
					t.Errorf("%+v, want %v", m, tt.want)
				}
				r.workers.Wait()
			})
		})
	}
}

// pausedLedger has the note, and the machine was paused before the answer was seen.
type pausedLedger struct{ ledger.Ledger }

func (pausedLedger) Note(context.Context, []ledger.Note) error {
	time.Sleep(2 * noteLimit)
	return nil
}

func TestSendAfterAPauseIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, in, _ := replicasOf(pausedLedger{})
		r.carryOut(delivery.NoteFirst{Stream: 1})
		r.note(delivery.Send{Stream: 1})
		if m := (<-in.messages).(sendNoted); !errors.Is(m.err, errLateNote) {
			t.Errorf("%v", m.err)
		}
		r.workers.Wait()
	})
}

// What other goroutines see of the replicas follows the events.
func TestReplicasAreShown(t *testing.T) {
	l := &slowLedger{}
	r, _, shown := replicasOf(l)
	now := time.Unix(100, 0)
	r.take(ledger.Led{Term: 7, Leader: "a"}, now)
	for _, name := range []string{"c", "a", "b", "c"} {
		r.take(ledger.PresenceChanged{Presence: ledger.Presence{Replica: name}}, now)
	}
	r.take(ledger.Reached{Why: "gone"}, now)
	r.take(ledger.Reached{Why: "still gone"}, now.Add(time.Minute))
	got := shown.Load()
	if got.Term != 7 || got.Leader != "a" || got.Problem != "still gone" || !got.Since.Equal(now) ||
		len(got.Others) != 2 || got.Others[0].Replica != "b" || got.Others[1].Replica != "c" {
		t.Errorf("%+v", got)
	}
	r.take(ledger.PresenceChanged{Presence: ledger.Presence{Replica: "b"}, Gone: true}, now)
	r.take(ledger.Reached{OK: true}, now)
	if got := shown.Load(); got.Problem != "" || !got.Since.IsZero() || len(got.Others) != 1 {
		t.Errorf("%+v", got)
	}
	r.carryOut(delivery.Report{Presence: ledger.Presence{Set: "s"}})
	if p := l.report; p.Replica != "a" || p.URL != "https://a" || p.Key != "k" || p.Version != "v1" || p.Set != "s" {
		t.Errorf("the report is %+v", p)
	}
	r.carryOut(delivery.Freeze{Command: ledger.Command{Kind: ledger.Freeze, By: "ann"}})
	if l.frozen == nil || l.frozen.By != "ann" {
		t.Errorf("the freeze is %+v", l.frozen)
	}
	r.carryOut(delivery.Freeze{Command: ledger.Command{Kind: ledger.Thaw}})
	if l.frozen != nil {
		t.Error("a thaw freezes")
	}
}

// The outcome of a command reaches the client that waits, once.
func TestOutcomeOfACommand(t *testing.T) {
	l := &slowLedger{}
	r, _, _ := replicasOf(l)
	outcome := r.ask(ledger.Command{ID: "1"})
	r.take(ledger.CommandEnded{ID: "2", Problem: "of another replica"}, time.Now())
	r.take(ledger.CommandEnded{ID: "1", Problem: "no"}, time.Now())
	r.take(ledger.CommandEnded{ID: "1"}, time.Now())
	if got := <-outcome; got != "no" || len(outcome) != 0 || len(l.asked) != 1 {
		t.Errorf("%q", got)
	}
}
