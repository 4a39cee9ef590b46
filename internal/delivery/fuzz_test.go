package delivery

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
)

// play runs a script of events against the model of Envoy, brings the model to rest, and checks the
// invariants of any order of events.
func play(t *testing.T, seed uint64, script []byte) *world {
	t.Helper()
	w := newWorld(seed)
	for _, op := range script {
		w.act(op)
		if len(w.problems) > 0 {
			t.Fatalf("seed %d, script %x:\n%s", seed, script, w.report())
		}
	}
	if !w.settle() {
		t.Fatalf("seed %d, script %x: does not settle\n%s", seed, script, w.report())
	}
	w.checkSettled()
	if len(w.problems) > 0 {
		t.Fatalf("seed %d, script %x:\n%s", seed, script, w.report())
	}
	return w
}

func FuzzDelivery(f *testing.F) {
	f.Add(uint64(1), []byte("\x0a\x2a\x4a\x00\x10\x11\x30\x31\x50\x51"))
	f.Fuzz(func(t *testing.T, seed uint64, script []byte) {
		if len(script) > 2000 {
			t.Skip("long scripts only repeat")
		}
		play(t, seed, script)
	})
}

func TestAnyOrderOfEvents(t *testing.T) {
	runs := 3000
	if n, err := strconv.Atoi(os.Getenv("WASM_XDS_TEST_MODEL_RUNS")); err == nil {
		runs = n // after a change of the machine: 20,000 or more
	}
	if testing.Short() {
		runs = 300
	}
	pipelined, more, shared, spoilt, forgotten, moves := 0, 0, 0, 0, 0, map[rollout.Move]int{}
	for seed := range uint64(runs) {
		rng := rand.New(rand.NewPCG(seed, 2))
		script := make([]byte, rng.IntN(300))
		for i := range script {
			script[i] = byte(rng.Uint32())
		}
		w := play(t, seed, script)
		forgotten += w.forgotten
		for move, n := range w.waves.played {
			moves[move] += n
		}
		pipelined, more, shared, spoilt = pipelined+w.pipelined, more+w.more, shared+w.shared, spoilt+w.spoilt
	}
	for _, move := range []rollout.Move{
		rollout.WavePassed, rollout.Soaked, rollout.Waits, rollout.Promoted, rollout.Watched, rollout.Stopped, rollout.WentBack, rollout.DeadlinePassed,
	} {
		if moves[move] < runs/50 {
			t.Errorf("%d times %s: the model does not play that", moves[move], move)
		}
	}
	t.Logf("moves of rollouts: %v", moves)
	if shared < runs || spoilt < runs/100 {
		t.Errorf("%d responses had several resources and %d of them were refused: the model does not play that", shared, spoilt)
	}
	t.Logf("%d responses had several resources, %d of them were refused; %d were pipelined", shared, spoilt, pipelined)
	if forgotten < runs/100 {
		t.Errorf("%d removed filters were forgotten: the model does not play that", forgotten)
	}
	if more < runs {
		t.Errorf("%d responses said that others follow: the model does not play that", more)
	}
	if pipelined < runs {
		t.Errorf("%d responses were sent while others had no answer: the model does not play that", pipelined)
	}
}
