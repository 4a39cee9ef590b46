package control

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// The kept text equals a new encoding.
func TestStateTextIsJSON(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var text stateText
	state := savedState{Format: stateFormat, Memory: delivery.Memory{Filters: []delivery.FilterMemory{}, Verdicts: []delivery.VerdictRecord{}}}
	for range 500 {
		state.Memory.Seq++
		filters := slices.Clone(state.Memory.Filters)
		for range rng.IntN(4) {
			name := fmt.Sprintf("filter-%02d <\"filters\":[]>", rng.IntN(20))
			i, found := slices.BinarySearchFunc(filters, name, func(f delivery.FilterMemory, name string) int { return strings.Compare(f.Name, name) })
			revision := revisionOf(name, fmt.Sprint(rng.IntN(3)))
			if !found {
				filters = slices.Insert(filters, i, delivery.FilterMemory{Name: name})
			}
			f := &filters[i]
			switch rng.IntN(11) {
			case 0:
				filters = slices.Delete(filters, i, i+1)
			case 1:
				f.Wanted = filterOf(name, fmt.Sprint(rng.IntN(3)))
			case 2:
				f.Stable = revision
			case 3:
				f.Older = append([]*snapshot.Revision{revision}, f.Older...)
			case 4:
				f.Older = nil
			case 5:
				f.Wishes = []delivery.Wish{{Revision: revision.ID, At: time.Unix(int64(rng.IntN(1000)), 0).UTC()}}
			case 6:
				f.Type = "network"
			case 7:
				f.Promoted = revision.ID
			case 8:
				f.IdleSince = time.Unix(int64(rng.IntN(1000)), 0).UTC()
			case 9:
				f.StableSince = time.Unix(int64(rng.IntN(1000)), 0).UTC()
			case 10:
				f.Refused = []*snapshot.Revision{revision}
			}
		}
		state.Memory.Filters = filters
		state.Memory.Verdicts = []delivery.VerdictRecord{{Revision: "r", Envoy: "1.40.0", Message: fmt.Sprint(rng.IntN(5))}}
		if rng.IntN(3) == 0 {
			state.Pins = map[string]Pin{"a": {Instead: fmt.Sprint(rng.IntN(5))}}
			state.Namings = map[string]savedNaming{"a": {"r.example/a:v1", "d"}}
			state.Tags = map[string]string{"r.example/a:v1": "d"}
		}
		got, err := text.of(state)
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(state)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
}

// BenchmarkState is the encoding of the state after an edit among many filters.
func BenchmarkState(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c, set := newScaled(n)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				set = edited(set, n/2, fmt.Sprint("edit", i))
				c.takeAndWait(set)
				b.StartTimer()
				if err := c.write(c.state()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestVerdictsTextIsJSON(t *testing.T) {
	c := newChecked(&fakeSandbox{})
	for i := range 20 {
		want := savedVerdicts{Format: verdictsFormat, Sandbox: "<one>", Verdicts: []savedVerdict{}}
		known := c.usedVerdicts()
		got, err := verdictsText(want.Sandbox, known)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range known {
			want.Verdicts = append(want.Verdicts, savedVerdict{k.key, k.Verdict})
		}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(text) {
			t.Fatalf("got  %s\nwant %s", got, text)
		}
		if n := len(known); n > 1 && known[n-1].key != fmt.Sprint("<", i/2, ">") {
			t.Errorf("%s comes last, and %d was used last", known[n-1].key, i/2)
		}
		c.verdicts.put(fmt.Sprint("<", i, ">"), examine.Verdict{Errors: []examine.Finding{{Code: "bad", Message: fmt.Sprint("]}", i)}}})
		c.verdicts.get(fmt.Sprint("<", (i+1)/2, ">"))
	}
}
