package etcd_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// One replica leads, its records reach all with their contents, and another one leads when it ends.
func TestOneLeads(t *testing.T) {
	t.Parallel()
	e := harness.StartEtcd(t, harness.EtcdOptions{})
	a := start(t, "a", at(e.Endpoints()))
	term := a.leads(0)
	b := start(t, "b", at(e.Endpoints()))
	await(b, "a leads", func(e ledger.Led) bool { return e.Term == 0 && e.Leader == "a" })
	b.awaitReached(0, true)

	first := revision("auth", "first")
	a.Propose(proposal(term, 0, first))
	for _, r := range []*replica{a, b} {
		got := r.knows(0, "auth", first.ID)
		if got.Record.Mod == 0 || got.Record.Term != term || len(got.Revisions) != 1 || *got.Revisions[0].Config != "first" {
			t.Errorf("%s: %+v", r.name, got)
		}
	}
	mod := a.knows(0, "auth", first.ID).Record.Mod
	// A record of before, and a proposal of a replica that does not lead, change nothing.
	mark := a.mark()
	a.Propose(proposal(term, 0, revision("auth", "lost")))
	awaitFrom(a, mark, "unchanged", func(e ledger.Unchanged) bool { return e.Filter == "auth" })
	b.Propose(proposal(term, mod, revision("auth", "stolen")))

	second := revision("auth", "second")
	a.Propose(proposal(term, mod, second))
	got := b.knows(0, "auth", second.ID)
	if keys := e.Ctl("get", "--prefix", "--keys-only", "/wasm-xds/ledger/revisions/"); strings.Contains(keys, first.ID) {
		t.Errorf("a content that no record mentions stays: %s", keys)
	}

	a.Report(ledger.Presence{Replica: "a", URL: "https://a"})
	await(b, "the presence of a", func(e ledger.PresenceChanged) bool { return e.Presence.URL == "https://a" && !e.Gone })
	mark = b.mark()
	a.end()
	awaitFrom(b, mark, "the end of a", func(e ledger.PresenceChanged) bool { return e.Presence.Replica == "a" && e.Gone })
	next := b.leads(mark)
	if next <= term {
		t.Errorf("the term %d follows %d", next, term)
	}
	b.Propose(ledger.Proposal{Record: ledger.Record{Filter: "auth", Term: next, Mod: got.Record.Mod}, Gone: true})
	awaitFrom(b, mark, "the end of the record", func(e ledger.RecordChanged) bool { return e.Record.Filter == "auth" && e.Gone })
	if left := e.Ctl("get", "--prefix", "--keys-only", "/wasm-xds/ledger/revisions/"); strings.TrimSpace(left) != "" {
		t.Errorf("contents of a filter without a record: %s", left)
	}
}

// A leader that does not hear of the end of its lead writes nothing: the fence is compared in etcd.
func TestFence(t *testing.T) {
	t.Parallel()
	e := harness.StartEtcd(t, harness.EtcdOptions{})
	link := harness.StartLink(t, e.Members[0].Address)
	a := start(t, "a", at(link.Address()))
	term := a.leads(0)
	good := revision("auth", "good")
	a.Propose(proposal(term, 0, good))
	record := a.knows(0, "auth", good.ID).Record
	b := start(t, "b", at(e.Endpoints()))
	b.awaitReached(0, true)

	// Nothing reaches a any more, and all that a sends arrives. Another one leads meanwhile.
	link.Deafen()
	mark := b.mark()
	e.Ctl("del", strings.TrimSpace(e.Ctl(append([]string{"get", "--keys-only", "--order=ASCEND", "--sort-by=CREATE", "--limit=1"}, "--prefix", "/wasm-xds/ledger/election/")...)))
	a.Propose(proposal(term, record.Mod, revision("auth", "stolen")))
	next := b.leads(mark)
	b.Propose(proposal(next, record.Mod, revision("auth", "next")))
	b.knows(mark, "auth", revision("auth", "next").ID)
	link.Cut()
	got := a.knows(0, "auth", revision("auth", "next").ID)
	if got.Record.Term != next {
		t.Errorf("the record is of the term %d, not %d", got.Record.Term, next)
	}
	for _, r := range []*replica{a, b} {
		for _, one := range r.told() {
			if c, is := one.(ledger.RecordChanged); is && c.Record.Stable == revision("auth", "stolen").ID {
				t.Errorf("%s was told what a has written without the lead", r.name)
			}
		}
	}
}

// A replica whose key of the election is deleted by hand enters the election again.
func TestDeletedElection(t *testing.T) {
	t.Parallel()
	e := harness.StartEtcd(t, harness.EtcdOptions{})
	a, b := start(t, "a", at(e.Endpoints())), start(t, "b", at(e.Endpoints()))
	a.awaitReached(0, true)
	b.awaitReached(0, true)
	anyLed := func() bool {
		for _, r := range []*replica{a, b} {
			for _, one := range r.told() {
				if l, is := one.(ledger.Led); is && l.Leader != "" {
					return true
				}
			}
		}
		return false
	}
	if !harness.Poll(t.Context(), anyLed) {
		t.Fatal("nobody leads")
	}
	marks := map[*replica]int{a: a.mark(), b: b.mark()}
	e.Ctl("del", "--prefix", "/wasm-xds/ledger/election/")
	if !harness.Poll(t.Context(), func() bool {
		for r, mark := range marks {
			for _, one := range r.told()[mark:] {
				if l, is := one.(ledger.Led); is && l.Term != 0 {
					return true
				}
			}
		}
		return false
	}) {
		t.Error("nobody leads again")
	}
}

// With keys, no configuration is in etcd as text, and a replica without the key says so.
func TestSealedContents(t *testing.T) {
	t.Parallel()
	e := harness.StartEtcd(t, harness.EtcdOptions{})
	sealed := at(e.Endpoints())
	sealed.SecretKeyFile = filepath.Join(t.TempDir(), "keys")
	harness.WriteFile(t, sealed.SecretKeyFile, []byte("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n"))
	a := start(t, "a", sealed)
	term := a.leads(0)
	b := start(t, "b", at(e.Endpoints()))
	b.awaitReached(0, true)
	r := revision("auth", "hunter2")
	a.Propose(proposal(term, 0, r))
	if got := a.knows(0, "auth", r.ID); len(got.Revisions) != 1 || *got.Revisions[0].Config != "hunter2" {
		t.Errorf("with the key: %+v", got)
	}
	if got := b.knows(0, "auth", r.ID); len(got.Revisions) != 0 {
		t.Errorf("without the key: %+v", got)
	}
	if all := e.Ctl("get", "--prefix", "/wasm-xds/"); strings.Contains(all, "hunter2") || !strings.Contains(all, "wasm-xds-sealed") {
		t.Errorf("etcd has %q", all)
	}
}

// Two replicas with a name do not hide each other, and a restarted one takes its place at once.
func TestOneNameTwice(t *testing.T) {
	t.Parallel()
	e := harness.StartEtcd(t, harness.EtcdOptions{})
	a, twin, b := start(t, "a", at(e.Endpoints())), start(t, "a", at(e.Endpoints())), start(t, "b", at(e.Endpoints()))
	is := func(mark int, url, set string) {
		t.Helper()
		awaitFrom(b, mark, "a presence", func(e ledger.PresenceChanged) bool {
			return e.Presence.Replica == "a" && e.Presence.URL == url && e.Presence.Set == set && !e.Gone
		})
	}
	a.Report(ledger.Presence{Replica: "a", URL: "https://a", Set: "1"})
	is(0, "https://a", "1")
	mark := b.mark()
	twin.Report(ledger.Presence{Replica: "a", URL: "https://twin"})
	a.Report(ledger.Presence{Replica: "a", URL: "https://a", Set: "2"})
	is(mark, "https://a", "2")
	again := start(t, "a", at(e.Endpoints()))
	again.Report(ledger.Presence{Replica: "a", URL: "https://a", Set: "3"})
	is(mark, "https://a", "3")
	for _, one := range b.told()[mark:] {
		if p, is := one.(ledger.PresenceChanged); is && p.Presence.URL == "https://twin" {
			t.Error("a replica hides another one of its name")
		}
	}
}

// A refusal overrides a success while the revision is a candidate, and never the other way round.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	e := harness.StartEtcd(t, harness.EtcdOptions{})
	a, b := start(t, "a", at(e.Endpoints())), start(t, "b", at(e.Endpoints()))
	verdict := func(revision string, loads bool) ledger.Verdict {
		v := ledger.Verdict{Filter: "auth", Revision: revision, Envoy: "1.40.0", Loads: loads}
		if !loads {
			v.Message = "it does not load"
		}
		return v
	}
	is := func(r *replica, want ledger.Verdict) {
		t.Helper()
		await(r, "a verdict", func(e ledger.VerdictChanged) bool { return e.Verdict == want && !e.Gone })
	}
	a.Judge(verdict("r1", true), true)
	is(b, verdict("r1", true))
	b.Judge(verdict("r1", false), true)
	is(a, verdict("r1", false))
	mark := a.mark()
	a.Judge(verdict("r1", true), true)
	b.Judge(verdict("r2", true), false)
	is(a, verdict("r2", true))
	b.Judge(verdict("r2", false), false) // it is stable: the refusal of one Envoy says nothing about all
	b.Judge(verdict("r3", false), false)
	is(a, verdict("r3", false))
	a.Judge(verdict("r4", true), true)
	is(a, verdict("r4", true)) // after everything before it
	for _, one := range a.told()[mark:] {
		if v, is := one.(ledger.VerdictChanged); is && (v.Verdict.Revision == "r1" || v.Verdict.Revision == "r2" && !v.Verdict.Loads) {
			t.Errorf("told %+v", v)
		}
	}

	// A retry drops the refusals in one step with the record.
	lead := a
	for _, one := range b.told() {
		if l, is := one.(ledger.Led); is && l.Term != 0 {
			lead = b
		}
	}
	p := proposal(lead.leads(0), 0, revision("auth", "x"))
	p.DropRefusals = "r1"
	lead.Propose(p)
	await(a, "a dropped refusal", func(e ledger.VerdictChanged) bool { return e.Verdict.Revision == "r1" && e.Gone })
}

// A note is written only if the record is the one that names the node, and before Note returns.
func TestNotes(t *testing.T) {
	t.Parallel()
	e := harness.StartEtcd(t, harness.EtcdOptions{})
	a := start(t, "a", at(e.Endpoints()))
	term := a.leads(0)
	r := revision("auth", "x")
	a.Propose(proposal(term, 0, r))
	mod := a.knows(0, "auth", r.ID).Record.Mod
	note := ledger.Note{Filter: "auth", Node: "edge/1 ü", Revision: r.ID, Envoy: "1.40.0", Replica: "a", Version: "v1", Mod: mod}
	if err := a.Note(t.Context(), []ledger.Note{note}); err != nil {
		t.Fatal(err)
	}
	if text := e.Ctl("get", "--prefix", "--print-value-only", "/wasm-xds/ledger/sent/"); !strings.Contains(text, `"version":"v1"`) {
		t.Errorf("etcd has %q", text)
	}
	late := note
	late.Node, late.Mod = "edge-2", mod-1
	if err := a.Note(t.Context(), []ledger.Note{late}); !errors.Is(err, ledger.ErrUnchanged) {
		t.Errorf("with an older record: %v", err)
	}
	lost := note
	lost.Losses = 2
	a.Lose(lost)
	await(a, "a loss", func(e ledger.NoteChanged) bool { return e.Note.Losses == 2 && e.Note.Node == note.Node })
	other := note
	other.Version = "v0"
	a.Settle([]ledger.Note{other}) // it is about other bytes
	a.Settle([]ledger.Note{note})
	gone := await(a, "the end of a note", func(e ledger.NoteChanged) bool { return e.Gone })
	if gone.Note.Version != "v1" {
		t.Errorf("%+v", gone)
	}
	// A judged revision needs no canary.
	a.Judge(ledger.Verdict{Filter: "auth", Revision: r.ID, Envoy: "1.40.0", Message: "no"}, true)
	await(a, "a verdict", func(e ledger.VerdictChanged) bool { return true })
	if err := a.Note(t.Context(), []ledger.Note{note}); !errors.Is(err, ledger.ErrUnchanged) {
		t.Errorf("with a verdict: %v", err)
	}
}

// A command of any replica reaches the leader, also a later one, and its outcome the replica.
func TestCommands(t *testing.T) {
	t.Parallel()
	e := harness.StartEtcd(t, harness.EtcdOptions{})
	a := start(t, "a", at(e.Endpoints()))
	term := a.leads(0)
	b := start(t, "b", at(e.Endpoints()))
	b.awaitReached(0, true)
	came := func(r *replica, id string) {
		t.Helper()
		await(r, "the command", func(e ledger.CommandCame) bool { return e.Command.ID == id })
	}
	b.Ask(ledger.Command{ID: "1", Kind: ledger.Pause, Filter: "auth", By: "ann", Replica: "b"})
	came(a, "1")
	p := proposal(term, 0, revision("auth", "x"))
	p.Done = []string{"1"}
	a.Propose(p)
	await(b, "the outcome", func(e ledger.CommandEnded) bool { return e.ID == "1" && e.Problem == "" })
	b.knows(0, "auth", revision("auth", "x").ID)

	b.Ask(ledger.Command{ID: "2", Kind: ledger.Freeze, Replica: "b"})
	came(a, "2")
	hold := &rollout.Hold{By: "ann", At: time.Unix(1, 0).UTC()}
	a.Freeze(term, hold, "2")
	await(b, "the freeze", func(e ledger.FreezeChanged) bool { return e.Hold != nil && *e.Hold == *hold })
	await(b, "the outcome", func(e ledger.CommandEnded) bool { return e.ID == "2" })

	b.Ask(ledger.Command{ID: "3", Kind: ledger.Thaw, Replica: "b"})
	came(a, "3")
	a.end()
	next := b.leads(0)
	came(b, "3")
	b.Freeze(next, nil, "3")
	await(b, "the thaw", func(e ledger.FreezeChanged) bool { return e.Hold == nil })
	if left := strings.TrimSpace(e.Ctl("get", "--prefix", "--keys-only", "/wasm-xds/ledger/commands/")); left != "" {
		t.Errorf("commands stay: %s", left)
	}
}
