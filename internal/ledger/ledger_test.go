package ledger_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
)

func TestRecord(t *testing.T) {
	r := &ledger.Record{
		Format: ledger.Format, Filter: "auth", Wanted: "b", Stable: "a", Older: []string{"0", "a"}, Refused: []string{"c"},
		Canaries: []ledger.Canary{{Node: "edge-1", Envoy: "1.40.0", Revision: "b", Replica: "r1", Since: time.Unix(1, 0).UTC()}},
		Shares:   []ledger.Share{{Replica: "r1", Envoy: "1.40.0", Number: 2}},
		Rollout:  &rollout.Record{Revision: "b"}, Seq: 3, Term: 7,
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var read ledger.Record
	if err := json.Unmarshal(text, &read); err != nil || !reflect.DeepEqual(*r, read) {
		t.Fatalf("%v: %+v", err, read)
	}
	if got := r.Contents(); !slices.Equal(got, []string{"b", "a", "0", "c"}) {
		t.Errorf("contents %v", got)
	}
	if c := r.Canary("b", "1.40.0"); c == nil || c.Node != "edge-1" || r.Canary("b", "1.39.0") != nil || r.Canary("a", "1.40.0") != nil {
		t.Errorf("canary %v", c)
	}
	if r.Share("r1", "1.40.0") != 2 || r.Share("r2", "1.40.0") != 0 {
		t.Error("shares")
	}
	var none *ledger.Record
	if none.Canary("b", "1.40.0") != nil || none.Share("r1", "1.40.0") != 0 {
		t.Error("a filter without a record names a canary")
	}
}

func TestRollback(t *testing.T) {
	var none *ledger.Rollback
	once, pinned := &ledger.Rollback{Revision: "a", Instead: "b"}, &ledger.Rollback{Revision: "a", Instead: "b", Pinned: true}
	if none.Concerns("b") || !once.Concerns("b") || once.Concerns("c") || !pinned.Concerns("c") {
		t.Error("which revisions a rollback replaces")
	}
}
