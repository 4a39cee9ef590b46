package etcd_test

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// Nothing is lost while etcd is away, and a note waits for it.
func TestEtcdIsAway(t *testing.T) {
	t.Parallel()
	e := harness.StartEtcd(t, harness.EtcdOptions{})
	a := start(t, "a", at(e.Endpoints()))
	term := a.leads(0)
	r := revision("auth", "x")
	a.Propose(proposal(term, 0, r))
	mod := a.knows(0, "auth", r.ID).Record.Mod
	mark := a.mark()
	e.Kill()
	a.awaitReached(mark, false)
	note := ledger.Note{Filter: "auth", Node: "edge-1", Revision: r.ID, Envoy: "1.40.0", Replica: "a", Version: "v1", Mod: mod}
	noted := make(chan error, 1)
	go func() { noted <- a.Note(t.Context(), []ledger.Note{note}) }()
	a.Judge(ledger.Verdict{Filter: "auth", Revision: "other", Envoy: "1.40.0", Message: "no"}, true)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Note(ended, []ledger.Note{note}); !errors.Is(err, context.Canceled) {
		t.Errorf("a note that nobody waits for: %v", err)
	}
	awaitFrom(a, mark, "the end of the lead", func(e ledger.Led) bool { return e.Term == 0 })
	mark = a.mark()
	e.Start()
	a.awaitReached(mark, true)
	if err := <-noted; err != nil {
		t.Error(err)
	}
	awaitFrom(a, mark, "the verdict", func(e ledger.VerdictChanged) bool { return e.Verdict.Revision == "other" })
	if next := a.leads(mark); next <= term {
		t.Errorf("the term %d follows %d", next, term)
	}
	for _, one := range a.told()[mark:] {
		if c, is := one.(ledger.RecordChanged); is {
			t.Errorf("a record that has not changed is told again: %+v", c)
		}
	}
}

// A replica that was cut off while etcd has compacted its changes hears of the differences.
func TestCompaction(t *testing.T) {
	t.Parallel()
	e := harness.StartEtcd(t, harness.EtcdOptions{})
	link := harness.StartLink(t, e.Members[0].Address)
	a := start(t, "a", at(e.Endpoints()))
	term := a.leads(0)
	b := start(t, "b", at(link.Address()))
	b.awaitReached(0, true)
	old, gone := revision("auth", "old"), revision("gone", "old")
	a.Propose(proposal(term, 0, old))
	a.Propose(proposal(term, 0, gone))
	mods := map[string]int64{"auth": b.knows(0, "auth", old.ID).Record.Mod, "gone": b.knows(0, "gone", gone.ID).Record.Mod}
	link.Refuse()
	mark := b.mark()
	newer := revision("auth", "newer")
	a.Propose(proposal(term, mods["auth"], newer))
	at := a.knows(0, "auth", newer.ID).Record.Mod
	a.Propose(ledger.Proposal{Record: ledger.Record{Filter: "gone", Term: term, Mod: mods["gone"]}, Gone: true})
	await(a, "the end of a record", func(e ledger.RecordChanged) bool { return e.Gone })
	e.Ctl("put", "/elsewhere", "x")
	e.Ctl("compact", strconv.FormatInt(at+1, 10))
	link.Restore()
	b.knows(mark, "auth", newer.ID)
	awaitFrom(b, mark, "the end of a record", func(e ledger.RecordChanged) bool { return e.Record.Filter == "gone" && e.Gone })
}

// After the restore of an old backup, refusals and notes are there again, and records are told.
func TestRestoredBackup(t *testing.T) {
	t.Parallel()
	e := harness.StartEtcd(t, harness.EtcdOptions{})
	a := start(t, "a", at(e.Endpoints()))
	term := a.leads(0)
	old, newer := revision("auth", "old"), revision("auth", "newer")
	a.Propose(proposal(term, 0, old))
	mod := a.knows(0, "auth", old.ID).Record.Mod
	backup := filepath.Join(t.TempDir(), "backup.db")
	e.Snapshot(backup)
	a.Propose(proposal(term, mod, newer))
	mod = a.knows(0, "auth", newer.ID).Record.Mod
	note := ledger.Note{Filter: "auth", Node: "edge-1", Revision: "bad", Envoy: "1.40.0", Replica: "a", Version: "v1", Mod: mod}
	if err := a.Note(t.Context(), []ledger.Note{note}); err != nil {
		t.Fatal(err)
	}
	a.Judge(ledger.Verdict{Filter: "auth", Revision: "bad", Envoy: "1.40.0", Message: "no"}, true)
	await(a, "a verdict", func(e ledger.VerdictChanged) bool { return true })
	mark := a.mark()
	e.Kill()
	e.Restore(backup)
	a.knows(mark, "auth", old.ID)
	for what, key := range map[string]string{"the refusal": "verdicts/bad/1.40.0", "the note": "sent/auth/edge-1"} {
		if !harness.Poll(t.Context(), func() bool { return strings.TrimSpace(e.Ctl("get", "/wasm-xds/ledger/"+key)) != "" }) {
			t.Errorf("%s is lost", what)
		}
	}
	for _, one := range a.told()[mark:] {
		if v, is := one.(ledger.VerdictChanged); is && v.Gone {
			t.Errorf("a refusal is told as dropped: %+v", v)
		}
	}
	a.leads(mark)
}
