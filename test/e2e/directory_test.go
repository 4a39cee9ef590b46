package e2e_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// below is the subdirectory of this scenario's specs.
const below = "edge"

// If the whole directory becomes unusable, the filters keep serving, Envoys receive nothing, and
// the source's status shows the error.
func TestDirectory(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		state string // state of the source
		code  string // code of the source's error; "": any
		// ruin damages the directory and returns the repair.
		ruin func(t *testing.T, s *scenario) (repair func())
	}{
		{"moved away", "unavailable", "", moveAway},
		{"replaced by a file", "unavailable", "", replaceByFile},
		{"emptied", "held", "all_specs_removed", empty},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newScenario(t)
			v1, v2 := authModule("v1"), authModule("v2")
			harness.WriteFilter(t, s.file(below), auth, v1, "")
			harness.WriteFilter(t, s.file(below), "other", authModule("other"), "onRemove: deny")
			s.cp.Start()
			pair := s.deltaAndSotW(v1, "v1")
			s.waitSaved("other")
			before := []map[string]int64{pair[0].FilterStats(auth), pair[1].FilterStats(auth)}

			repair := tc.ruin(t, s)
			if now := s.waitSource(tc.state); now.Error == nil || now.Error.Hint == "" || tc.code != "" && now.Error.Code != tc.code {
				t.Errorf("the status does not explain it: %+v", now.Error)
			}
			// A server that starts now also keeps serving and reports the error.
			s.cp.Restart()
			s.waitSource(tc.state)
			s.unchanged(pair, v1, before)
			repair()
			s.waitSource("ok")
			s.unchanged(pair, v1, before)

			harness.WriteFilter(t, s.file(below), auth, v2, "")
			s.cp.WaitLive(auth, v2, len(pair))
			for _, l := range pair {
				l.live("v2")
			}
			for _, l := range pair {
				l.end()
			}
		})
	}
}

// waitSaved waits until the state on disk names a filter. A kill would otherwise lose a filter
// that no Envoy runs, because the server writes the whole state shortly after a change, and later
// on a busy disk.
func (s *scenario) waitSaved(name string) {
	s.t.Helper()
	if !harness.Poll(s.t.Context(), func() bool {
		text, err := os.ReadFile(filepath.Join(s.cp.StateDir(), "state.json"))
		return err == nil && strings.Contains(string(text), strconv.Quote(name))
	}) {
		s.t.Fatalf("the state does not name %s", name)
	}
}

// unchanged expects the module to be live on both Envoys without a new load.
func (s *scenario) unchanged(pair []*loaded, module []byte, before []map[string]int64) {
	s.t.Helper()
	f := s.cp.WaitLive(auth, module, len(pair))
	if f.Error != nil {
		s.t.Errorf("the filter itself is said to have an error: %+v", f.Error)
	}
	if other := s.cp.WaitFilter("other", func(harness.FilterStatus) bool { return true }); other.State != harness.Active {
		s.t.Errorf("the other filter is %s", other.State)
	}
	for i, l := range pair {
		l.load.WaitRequests(50)
		if d := harness.Diff(before[i], l.FilterStats(auth)); d["config_reload"] != 0 || d["config_fail"] != 0 {
			s.t.Errorf("Envoy was sent something: %v", d)
		}
	}
}

func moveAway(t *testing.T, s *scenario) func() {
	move(t, s.dir, s.dir+".away")
	return func() { move(t, s.dir+".away", s.dir) }
}

func replaceByFile(t *testing.T, s *scenario) func() {
	move(t, s.dir, s.dir+".away")
	harness.WriteFile(t, s.dir, []byte("not a directory\n"))
	return func() {
		if err := os.Remove(s.dir); err != nil {
			t.Fatal(err)
		}
		move(t, s.dir+".away", s.dir)
	}
}

// empty removes all specs in one step. If the test deleted the specs in turn, the server might
// see single removals, which have a different effect.
func empty(t *testing.T, s *scenario) func() {
	aside := filepath.Join(t.TempDir(), "aside")
	move(t, s.file(below), aside)
	return func() { move(t, aside, s.file(below)) }
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}
