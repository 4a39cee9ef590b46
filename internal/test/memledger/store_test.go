package memledger_test

import (
	"context"
	"errors"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/internal/test/memledger"
)

// drain takes all events that a client has.
func drain(c *memledger.Client) (all []ledger.Event) {
	for e, is := c.Next(); is; e, is = c.Next() {
		all = append(all, e)
	}
	return all
}

func find[E ledger.Event](all []ledger.Event) (last E, n int) {
	for _, e := range all {
		if one, is := e.(E); is {
			last, n = one, n+1
		}
	}
	return last, n
}

func TestOneLeaderWrites(t *testing.T) {
	s := memledger.New()
	a, b := s.Join("a"), s.Join("b")
	led, _ := find[ledger.Led](drain(a))
	if led.Term == 0 || led.Leader != "a" {
		t.Fatalf("led: %+v", led)
	}
	if other, _ := find[ledger.Led](drain(b)); other.Term != 0 || other.Leader != "a" {
		t.Fatalf("the other: %+v", other)
	}
	record := ledger.Record{Format: 1, Filter: "auth", Wanted: "r1", Term: led.Term}
	a.Propose(ledger.Proposal{Record: record})
	written, n := find[ledger.RecordChanged](drain(b))
	if n != 1 || written.Record.Mod == 0 {
		t.Fatalf("told %d records: %+v", n, written)
	}
	a.Propose(ledger.Proposal{Record: record}) // it compares no record
	if _, n := find[ledger.Unchanged](drain(a)); n != 1 {
		t.Errorf("a stale proposal: told %d times", n)
	}
	a.Expire() // a is paused, and does not know
	record.Mod = written.Record.Mod
	a.Connect()
	a.Propose(ledger.Proposal{Record: record})
	if _, n := find[ledger.Unchanged](drain(a)); n != 1 {
		t.Errorf("a former leader: told %d times", n)
	}
	if led, _ := find[ledger.Led](drain(b)); led.Term == 0 {
		t.Error("b does not lead")
	}
	s.Plant(memledger.Bugs{WithoutFence: true})
	a.Propose(ledger.Proposal{Record: record})
	if _, n := find[ledger.RecordChanged](drain(b)); n != 1 {
		t.Error("the planted bug has no effect")
	}
}

func TestVerdicts(t *testing.T) {
	loads := ledger.Verdict{Filter: "auth", Revision: "r1", Envoy: "1.40.0", Loads: true}
	refuses := ledger.Verdict{Filter: "auth", Revision: "r1", Envoy: "1.40.0", Message: "no"}
	for _, tt := range []struct {
		name      string
		first     ledger.Verdict
		second    ledger.Verdict
		candidate bool
		bugs      memledger.Bugs
		want      bool // loads
	}{
		{"a success replaces no refusal", refuses, loads, true, memledger.Bugs{}, false},
		{"the planted bug", refuses, loads, true, memledger.Bugs{LoadsOverwrites: true}, true},
		{"a refusal of the candidate replaces a success", loads, refuses, true, memledger.Bugs{}, false},
		{"a refusal of another revision does not", loads, refuses, false, memledger.Bugs{}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := memledger.New()
			s.Plant(tt.bugs)
			a := s.Join("a")
			a.Judge(tt.first, tt.candidate)
			a.Judge(tt.second, tt.candidate)
			if v, _ := s.Verdict(loads.Key()); v.Loads != tt.want {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func TestNotes(t *testing.T) {
	s := memledger.New()
	a := s.Join("a")
	led, _ := find[ledger.Led](drain(a))
	a.Propose(ledger.Proposal{Record: ledger.Record{Format: 1, Filter: "auth", Term: led.Term}})
	record, _ := s.Record("auth")
	note := ledger.Note{Filter: "auth", Node: "edge-1", Revision: "r1", Envoy: "1.40.0", Replica: "a", Version: "r1.i1", Mod: record.Mod + 1}
	if err := a.Note(context.Background(), []ledger.Note{note}); !errors.Is(err, ledger.ErrUnchanged) {
		t.Errorf("a note for another record: %v", err)
	}
	note.Mod = record.Mod
	if err := a.Note(context.Background(), []ledger.Note{note}); err != nil {
		t.Fatal(err)
	}
	other := note
	other.Version = "r1.i2"
	if a.Settle([]ledger.Note{other}); len(s.Notes()) != 1 {
		t.Error("a late answer settles a later push")
	}
	a.Disconnect()
	if a.Settle([]ledger.Note{note}); len(s.Notes()) != 1 {
		t.Error("a client without connection writes")
	}
	a.Connect()
	if len(s.Notes()) != 0 {
		t.Error("the write is lost")
	}
}
