package e2e_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// recorded is a revision of the history, as the API answers.
type recorded struct {
	Revision, State, Outcome, Previous, File string
	Commit                                   *struct {
		ID    string
		Dirty bool
	}
	Diff     []string
	Module   struct{ Imports []string }
	Refusals []struct{ Node, Message string }
	By       []struct{ Action, By string }
}

// history returns the history of auth, the newest revision first.
func (s *scenario) history() []recorded {
	s.t.Helper()
	var h struct{ Revisions []recorded }
	s.cp.GetJSON("/api/v1/filters/auth/history", &h)
	return h.Revisions
}

// waitHistory waits until the record has caught up: it is a moment behind.
func (s *scenario) waitHistory(what string, wanted func([]recorded) bool) []recorded {
	s.t.Helper()
	var last []recorded
	if !harness.Poll(s.t.Context(), func() bool { last = s.history(); return wanted(last) }) {
		s.t.Fatalf("%s: the history stays %+v", what, last)
	}
	return last
}

// git runs git in the directory of the specs, without the configuration of the machine.
func (s *scenario) git(args ...string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), "git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// The history tells of each revision which commit it came from, what changed, how its rollout went,
// which Envoy refused it and which user went back. It survives a kill of the server.
func TestHistoryIsARecord(t *testing.T) {
	s := newScenario(t, withoutSandbox()...)
	const secret = "a-realm-that-nobody-may-see"
	lines := func(realm string) string { return "config: {realm: " + realm + "}" }
	s.writeAtOnce(auth, authModule("v1"), lines("one"))
	s.git("init", "-q", "-b", "main")
	s.git("add", "-A")
	s.git("commit", "-q", "-m", "one")
	first := s.git("rev-parse", "HEAD")
	s.cp.Start()
	e := s.envoy(proxyOptions{})
	e.WaitReady()
	s.cp.WaitLive(auth, authModule("v1"), 1)
	v1 := s.waitHistory("the first", func(all []recorded) bool {
		return len(all) == 1 && all[0].Outcome == "live" && all[0].Commit != nil && len(all[0].Module.Imports) > 0
	})[0]
	if v1.Commit.ID != first || v1.Commit.Dirty || v1.File != "auth.yaml" || !slices.Contains(v1.Module.Imports, "env.proxy_send_local_response") {
		t.Errorf("the first: %+v, of commit %+v; want %s", v1, v1.Commit, first)
	}

	// The checkout says later than the file which commit it is.
	s.writeAtOnce(auth, authModule("v2"), lines(secret))
	s.cp.WaitLive(auth, authModule("v2"), 1)
	v2 := s.waitHistory("the second", func(all []recorded) bool { return all[0].Outcome == "live" && all[0].Commit != nil })[0]
	if !v2.Commit.Dirty || v2.Previous != v1.Revision || !slices.Contains(v2.Diff, "+config.realm: … (another value)") {
		t.Errorf("the second: %+v, of commit %+v", v2, v2.Commit)
	}
	s.git("add", "-A")
	s.git("commit", "-q", "-m", "two")
	second := s.git("rev-parse", "HEAD")
	s.waitHistory("the commit of the second", func(all []recorded) bool {
		return all[0].Commit != nil && all[0].Commit.ID == second && !all[0].Commit.Dirty
	})

	// An Envoy refuses the third, and a user goes back from there.
	s.writeAtOnce(auth, testfilter.HTTP{Stamp: "bad", MissingImport: true}.Module(), lines(secret))
	v3 := s.waitHistory("the third", func(all []recorded) bool { return all[0].Outcome == "refused" && len(all[0].Refusals) > 0 })[0]
	if v3.Refusals[0].Node == "" || v3.Refusals[0].Message == "" || v3.Previous != v2.Revision {
		t.Errorf("the third: %+v", v3)
	}
	s.command(0, "rollback", auth, v1.Revision)
	s.cp.WaitLive(auth, authModule("v1"), 1)
	want := func(all []recorded) bool {
		return len(all) == 3 && all[0].Revision == v1.Revision && all[0].Outcome == "live" && all[2].Outcome == "replaced" &&
			all[1].Outcome == "refused" && len(all[1].By) == 1 && all[1].By[0].Action == "rollback"
	}
	s.waitHistory("after the rollback", want)

	diff := s.command(0, "diff", auth, v1.Revision[:4], v2.Revision[:6])
	if !strings.Contains(diff, "\n-module.sha256: "+harness.SHA256(authModule("v1"))) || !strings.Contains(diff, "config.realm: … (another value)") || strings.Contains(diff, secret) {
		t.Errorf("diff:\n%s", diff)
	}
	if out := s.command(0, "history", auth); !strings.Contains(out, first[:12]) || !strings.Contains(out, "rollback by ") || strings.Contains(out, secret) {
		t.Errorf("history:\n%s", out)
	}
	if out := s.command(1, "diff", auth, "fff0", v1.Revision); !strings.Contains(out, "has no revision fff0") {
		t.Errorf("diff with an unknown revision:\n%s", out)
	}
	var d struct{ Diff []string }
	s.cp.GetJSON("/api/v1/filters/auth/diff?"+url.Values{"from": {v1.Revision}, "to": {v1.Revision}}.Encode(), &d)
	if d.Diff == nil || len(d.Diff) > 0 {
		t.Errorf("a revision and itself: %q", d.Diff)
	}

	// The files are up to a second behind.
	saved := func() bool {
		files, err := filepath.Glob(filepath.Join(s.cp.StateDir(), "history-*.json"))
		if err != nil || len(files) != 1 {
			return false
		}
		text, err := os.ReadFile(files[0])
		return err == nil && strings.Contains(string(text), `"action":"rollback"`) && !strings.Contains(string(text), secret)
	}
	if !harness.Poll(t.Context(), saved) {
		t.Error("the record is not on the disk")
	}
	s.cp.Kill()
	s.cp.Start()
	s.waitHistory("after a kill", want)
}
