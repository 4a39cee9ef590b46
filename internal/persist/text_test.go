package persist

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/internal/tags"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func revisionOf(name, root string) *snapshot.Revision {
	return (&snapshot.Revision{Filter: name, Type: spec.HTTP, RootID: root, Policy: spec.Closed}).Seal()
}

func filterOf(name, root string) *snapshot.Filter {
	return &snapshot.Filter{
		Name: name, Type: spec.HTTP, Revision: revisionOf(name, root), Policy: spec.Closed, Delivery: spec.Remote,
		OnRemove: spec.Keep, SpecFile: "/specs/" + name + ".yaml",
	}
}

// The kept text equals a new encoding.
func TestStateTextIsJSON(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var text stateText
	state := State{Format: stateFormat, Memory: delivery.Memory{Filters: []delivery.FilterMemory{}, Verdicts: []delivery.VerdictRecord{}}}
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
			state.Pins = desired.Pins{"a": {Instead: fmt.Sprint(rng.IntN(5))}}
			state.Namings = map[string]tags.Saved{"a": {Reference: "r.example/a:v1", Digest: "d"}}
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
