package chaos

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Three seeds with a few operations each. `make chaos` runs longer, with other seeds.
func TestChaos(t *testing.T) {
	seeds := []uint64{1, 2, 3}
	if text := os.Getenv("CHAOS_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("CHAOS_SEED: %v", err)
		}
		seeds = []uint64{seed}
	}
	binary := BuildServer(t, Bug{})
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			report := runSteps(t, binary, seed, 10)
			if report != nil && !report.Good() {
				t.Errorf("%s\n%s", report.Details(), report.Table())
			}
		})
	}
}

// runSteps does the first steps of a seed.
func runSteps(t *testing.T, binary string, seed uint64, steps int) (report *Report) {
	t.Helper()
	var log strings.Builder
	ok := harness.Do(t.Context(), t.Name(), &log, func(tb harness.TB) {
		report = Run(tb, Options{Seed: seed, Versions: versions(), Steps: steps, Rate: 500, Binary: binary, Log: &log})
	})
	if !ok {
		t.Errorf("the run has failed:\n%s", log.String())
	}
	return report
}

// A step moves only the server's wall clock.
func TestClockSteps(t *testing.T) {
	c := newClock(t)
	dir := t.TempDir()
	cp := harness.StartControlPlane(t, harness.ControlPlaneOptions{
		Dir: dir, Binary: BuildServer(t, Bug{}), Env: []string{clockVariable + "=" + c.path},
	})
	if err := c.step(24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	harness.WriteFilter(t, dir, "mark", Content{Stamp: "m1"}.Module("mark"), "")
	cp.WaitFilter("mark", func(f harness.FilterStatus) bool { return f.Revision != "" })
	var snapshot struct{ Since time.Time }
	cp.GetJSON("/api/v1/snapshot", &snapshot)
	if ahead := time.Until(snapshot.Since); ahead < 23*time.Hour {
		t.Errorf("a snapshot of after the step is %v ahead", ahead)
	}
}

// The source still has the places into which `make chaos-planted` puts the bugs.
func TestPlantedBugsApply(t *testing.T) {
	for _, bug := range Planted() {
		if _, err := planted(program.Repository(), bug); err != nil {
			t.Error(err)
		}
	}
}
