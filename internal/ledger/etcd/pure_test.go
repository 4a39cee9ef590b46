package etcd

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/etcdclient"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Any name is one part of a key, and comes back as it was.
func FuzzKeys(f *testing.F) {
	for _, name := range []string{"", "auth", "a/b", "..", "%2F", "ü \x00", strings.Repeat("x", 300)} {
		f.Add(name, "1.40.0")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		k := keys("/wasm-xds/ledger")
		key := k.of(notes, a, b)
		what, names, err := k.parse(key)
		if len(key) > mostKey {
			if err == nil {
				t.Error("a long key is taken")
			}
			return
		}
		if err != nil || what != notes || !slices.Equal(names, []string{a, b}) {
			t.Errorf("%q %q: %s %q, %v", a, b, what, names, err)
		}
	})
}

func TestForeignKeys(t *testing.T) {
	k := keys("/wasm-xds/ledger")
	for _, key := range []string{"", "/wasm-xds/ledger", "/wasm-xds/ledger/", "/wasm-xds/ledger/other/a", "/wasm-xds/ledger/filters", "/wasm-xds/ledger/filters/a/b", "/wasm-xds/ledger/filters/%zz", "/wasm-xds/specs/a"} {
		if what, names, err := k.parse(key); err == nil {
			t.Errorf("%q is %s %q", key, what, names)
		}
	}
}

// A transaction has no key twice, and is bounded in operations and bytes.
func TestCut(t *testing.T) {
	of := func(key string, size int) *change {
		c := &change{}
		c.put(key, strings.Repeat("x", size))
		return c
	}
	var many []*change
	for i := range 120 {
		many = append(many, of(string(rune('a'+i)), 1))
	}
	for name, tt := range map[string]struct {
		all  []*change
		want []int
	}{
		"nothing":       {nil, nil},
		"one":           {[]*change{of("a", 1)}, []int{1}},
		"a key twice":   {[]*change{of("a", 1), of("b", 1), of("a", 2)}, []int{2, 1}},
		"many":          {many, []int{50, 50, 20}},
		"large":         {[]*change{of("a", 1<<20), of("b", 1<<20), of("c", 1)}, []int{1, 2}},
		"one too large": {[]*change{of("a", etcdclient.MostRequest+1), of("b", 1)}, []int{1, 1}},
	} {
		var got []int
		for rest := tt.all; len(rest) > 0; {
			var first []*change
			first, rest = cut(rest)
			got = append(got, len(first))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	if op := (&change{then: []clientv3.Op{clientv3.OpGet("a")}}).op(); !op.IsTxn() {
		t.Error("a change is no transaction of its own")
	}
}

// A content under another id, and a too large one, are refused.
func TestContents(t *testing.T) {
	config := "x"
	r := (&snapshot.Revision{Filter: "auth", Config: &config}).Seal()
	text, err := encodeRevision(nil, r)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decodeRevision(nil, r.ID, []byte(text)); err != nil || *got.Config != "x" || got.ID != r.ID {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := decodeRevision(nil, "0123456789ab", []byte(text)); err == nil {
		t.Error("a content has the id of another one")
	}
	large := strings.Repeat("x", mostValue)
	if _, err := encodeRevision(nil, (&snapshot.Revision{Filter: "auth", Config: &large}).Seal()); err == nil || !strings.Contains(err.Error(), "auth") {
		t.Errorf("a large content: %v", err)
	}
	if _, err := encode("the record of auth", ledger.Record{Filter: large}); err == nil {
		t.Error("a large record is taken")
	}
}

// A newer proposal keeps the ends of commands in the one that it replaces, and a refusal stays.
func TestQueue(t *testing.T) {
	q := newQueue()
	q.propose(ledger.Proposal{Record: ledger.Record{Filter: "auth", Wanted: "a"}, Done: []string{"1"}, Ended: map[string]string{"1": "no"}, DropRefusals: "x"})
	q.propose(ledger.Proposal{Record: ledger.Record{Filter: "auth", Wanted: "b"}, Done: []string{"2"}})
	p, _ := q.proposals.get("auth")
	if q.proposals.size() != 1 || p.Record.Wanted != "b" || !slices.Equal(p.Done, []string{"1", "2"}) || p.Ended["1"] != "no" || p.DropRefusals != "x" {
		t.Errorf("%+v", p)
	}
	q.judge("k", ledger.Verdict{Message: strings.Repeat("x", 2*mostWords)}, true)
	q.judge("k", ledger.Verdict{Loads: true}, true)
	if v, _ := q.verdicts.get("k"); v.verdict.Loads || len(v.verdict.Message) != mostWords {
		t.Errorf("%+v", v)
	}
	q.settle("n", ledger.Note{Version: "1"}, false)
	q.note([]string{"n"}, []ledger.Note{{Version: "2"}})
	if q.settles.size() != 0 {
		t.Error("the end of an older note would delete the newer one")
	}
	if got := q.resign(); !slices.Equal(got, []string{"auth"}) || q.proposals.size() != 0 {
		t.Errorf("%q", got)
	}
}

// A verdict and a note go once nothing has needed them for a time, and not before.
func TestSweep(t *testing.T) {
	m := newMirror("/l", nil, zap.NewNop())
	set := func(key string, what kind, value any) { m.entries[key] = entry{what: what, value: value, mod: 7} }
	set(m.keys.record("auth"), records, ledger.Record{Filter: "auth", Stable: "a", Refused: []string{"b"}, Canaries: []ledger.Canary{{Revision: "c"}}})
	for _, id := range []string{"a", "b", "c", "old"} {
		set(m.keys.of(verdicts, id, "1.40.0"), verdicts, ledger.Verdict{Revision: id, Envoy: "1.40.0"})
	}
	set(m.keys.of(notes, "auth", "edge"), notes, ledger.Note{Filter: "auth", Node: "edge"})
	set(m.keys.of(notes, "gone", "edge"), notes, ledger.Note{Filter: "gone", Node: "edge"})
	var s sweep
	now := time.Unix(1000, 0)
	if got := s.due(m, now); len(got) != 0 {
		t.Errorf("at once: %v", got)
	}
	now = now.Add(sweepAfter - time.Second)
	if got := s.due(m, now); len(got) != 0 {
		t.Errorf("too early: %v", got)
	}
	now = now.Add(sweepEvery)
	want := map[string]int64{m.keys.of(verdicts, "old", "1.40.0"): 7, m.keys.of(notes, "gone", "edge"): 7}
	if got := s.due(m, now); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := s.due(m, now.Add(time.Second)); got != nil {
		t.Errorf("twice in a minute: %v", got)
	}
	set(m.keys.record("gone"), records, ledger.Record{Filter: "gone", Stable: "old"})
	if got := s.due(m, now.Add(sweepEvery)); len(got) != 0 {
		t.Errorf("needed again: %v", got)
	}
}
