package delivery

import (
	"fmt"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/unsettled"
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
)

// Clients that come with new ids, new versions, new hosts and new names each time leave nothing
// behind, or no more than the bounds of what the server has to know for Envoys that come back.
func TestChurnLeavesNothing(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one")
	const clients = 2_500
	for i := range StreamID(clients) {
		c := connection{version: fmt.Sprintf("1.%d.0", i%2000), node: fmt.Sprint("new-", i), host: fmt.Sprint("host-", i), sotw: i%2 == 0}
		names := []string{"auth"}
		if i%1000 == 0 {
			names = append(names, fmt.Sprint("made-up-", i))
		}
		r.connect(i+1, c, names...)
		if i%100 == 0 {
			r.now = r.now.Add(time.Second)
		}
		r.step(StreamClosed{Stream: i + 1})
		delete(r.waiting, i+1)
	}
	m := r.m
	f := m.filters.get("auth")
	for what, n := range map[string][2]int{
		"streams":          {len(m.streams), 0},
		"filters":          {len(m.filters.byName), 1},
		"subscribers":      {len(f.subs), 0},
		"groups":           {len(f.groups), 0},
		"hosts":            {len(m.specs.unknown.hosts), 0},
		"unknown names":    {m.specs.unknown.sum.names, 0},
		"gone":             {len(f.gone), goneLimit},
		"unsettled":        {f.nodes.Len(), unsettled.Limit},
		"versions":         {len(m.verdicts.Versions()), verdict.VersionLimit},
		"tokens":           {len(m.fetches.tokens), 0},
		"pushes under way": {len(m.sender.trying), 0},
	} {
		if n[0] > n[1] {
			t.Errorf("%s: %d are left, at most %d should be", what, n[0], n[1])
		}
	}
}
