package delivery

import (
	"os"
	"strconv"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/memledger"
)

// playReplicas plays a random script on several replicas, brings them to rest, and checks the
// invariants.
func playReplicas(seed uint64, bugs replicasBugs, verbose bool) *replicasWorld {
	w := newReplicasWorld(seed, bugs, verbose)
	for _, name := range w.names {
		w.edit(name)
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
	runs, first := 1000, uint64(0)
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

// TestReplicasFindPlantedBugs plants bugs of which the model has to find each.
func TestReplicasFindPlantedBugs(t *testing.T) {
	for name, bugs := range map[string]replicasBugs{
		"a leader writes without its fence":             {Bugs: memledger.Bugs{WithoutFence: true}},
		"a success replaces a refusal":                  {Bugs: memledger.Bugs{LoadsOverwrites: true}},
		"unproven bytes go out before the ledger knows": {sendsFirst: true},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(5000) {
				if w := playReplicas(seed, bugs, false); len(w.problems) > 0 {
					t.Logf("found with seed %d: %s", seed, w.problems[0])
					return
				}
			}
			t.Fatal("no seed finds it")
		})
	}
}
