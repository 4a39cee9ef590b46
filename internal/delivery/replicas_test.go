package delivery

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/memledger"
)

// playReplicas plays a random script on several replicas, brings them to rest, and checks the
// invariants.
func playReplicas(seed uint64, bugs replicasBugs, verbose bool) *replicasWorld {
	w := newReplicasWorld(seed, bugs, verbose)
	for _, name := range w.names {
		w.edit(name)
	}
	if w.rng.IntN(4) > 0 {
		w.heal()
		w.settleFor(time.Minute)
	}
	for range 50 + w.rng.IntN(250) {
		if w.act(byte(w.rng.Uint32())); len(w.problems) > 0 {
			return w
		}
		w.checkConfigs()
	}
	for _, check := range []func(){w.settle, w.checkAtRest, w.checkMoves, w.checkBlackout} {
		if check(); len(w.problems) > 0 {
			return w
		}
	}
	return w
}

// TestReplicasInAnyOrderOfEvents plays replicas that share a late ledger.
func TestReplicasInAnyOrderOfEvents(t *testing.T) {
	runs, first := 1500, uint64(0)
	if n, err := strconv.Atoi(os.Getenv("WASM_XDS_TEST_REPLICAS_RUNS")); err == nil {
		runs = n // after a change of the replicas: 100,000
	}
	if n, err := strconv.ParseUint(os.Getenv("WASM_XDS_TEST_REPLICAS_FIRST"), 10, 64); err == nil {
		first = n
	}
	if testing.Short() {
		runs = 200
	}
	stats := map[string]int{}
	for i := range uint64(runs) {
		w := playReplicas(first+i, replicasBugs{}, false)
		if len(w.problems) > 0 {
			t.Fatalf("seed %d: %s\nonce more, with its events: %s", first+i, w.problems, playReplicas(first+i, replicasBugs{}, true).report())
		}
		for what, n := range w.stats {
			stats[what] += n
		}
	}
	t.Logf("%v", stats)
	for _, what := range []string{"loads", "refusals", "unproven", "proposals", "stopped", "promoted"} {
		if stats[what] == 0 {
			t.Errorf("the model plays no %s", what)
		}
	}
}

// TestReplicasFindPlantedBugs plants bugs, each of which the model has to find. The seeds are near
// one that finds the bug.
func TestReplicasFindPlantedBugs(t *testing.T) {
	for _, tt := range []struct {
		name string
		bugs replicasBugs
		from uint64
	}{
		{"a leader writes without its fence", replicasBugs{Bugs: memledger.Bugs{WithoutFence: true}}, 2300},
		{"a success replaces a refusal", replicasBugs{Bugs: memledger.Bugs{LoadsOverwrites: true}}, 15800},
		{"unproven bytes go out before the ledger knows", replicasBugs{sendsFirst: true}, 1200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for seed := tt.from; seed < tt.from+5000; seed++ {
				w := playReplicas(seed, tt.bugs, false)
				if len(w.problems) == 0 || len(playReplicas(seed, replicasBugs{}, false).problems) > 0 {
					continue // nothing is wrong, or not because of the bug
				}
				t.Logf("found with seed %d: %s", seed, w.problems[0])
				return
			}
			t.Fatal("no seed finds it")
		})
	}
}
