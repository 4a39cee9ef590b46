package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/test/apitest"
)

func authHistory() api.History {
	return api.History{
		Name: "team/auth", Rollback: "aaaaaaaaaaaa", Error: &api.Error{Code: "bad", Message: "unknown field", Hint: "no", File: "/specs/auth.yaml", Line: 2},
		Revisions: []api.Revision{
			{
				Revision: "0123456789ab", State: api.RevisionActive, Wanted: true, ServedSeconds: 90, Changes: []string{"config.realm", "vm.env.TOKEN"}, SpecFile: "/specs/auth.yaml", Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local),
				Module: api.Module{SHA256: "9c8a1111222233334444", Size: 2048},
			},
			{Revision: "aaaaaaaaaaaa", State: api.RevisionEarlier, Module: api.Module{SHA256: "bb", Size: 10, Reference: "r.example/auth:v1", Digest: "sha256:dd"}},
			{
				Revision: "cccccccccccc", State: api.RevisionRejected, Module: api.Module{SHA256: "cc"},
				Error: &api.Error{Code: "rejected_by_envoy", Message: "Envoy 1.40.0 refused it: evil\x1b[2J", Hint: "see its log"},
			},
		},
	}
}

func TestHistory(t *testing.T) {
	server := apitest.Start(t, apitest.LiveFilter("team/auth"))
	server.Histories = map[string]api.History{"team/auth": authHistory(), "new": {Name: "new"}}
	code, stdout, stderr := run(t, "history", "team/auth", "--admin-address", server.Address)
	want := `REVISION      STATE     SINCE                SERVED  MODULE                         SIZE     SPEC              CHANGED
0123456789ab  active    2026-01-02 03:04:05  1m30s   sha256 9c8a11112222            2.0 KiB  /specs/auth.yaml  config.realm vm.env.TOKEN
aaaaaaaaaaaa  earlier   -                    -       r.example/auth:v1 = sha256:dd  10 B     -                 -
cccccccccccc  rejected  -                    -       sha256 cc                      0 B      -                 -

cccccccccccc: Envoy 1.40.0 refused it: evil` + "\uFFFD" + `[2J
  hint: see its log

team/auth: /specs/auth.yaml:2: unknown field
  hint: no

` + "`wasm-xds rollback team/auth` serves aaaaaaaaaaaa again\n"
	if code != command.ExitOK || stderr != "" || stdout != want {
		t.Errorf("exit %d: %s\ngot\n%s\nwant\n%s", code, stderr, stdout, want)
	}
	if _, stdout, _ := run(t, "history", "team/auth", "--admin-address", server.Address, "-o", "json"); !strings.HasPrefix(stdout, "{\n  \"name\": \"team/auth\"") {
		t.Errorf("JSON: %s", stdout)
	}
	if _, stdout, _ := run(t, "history", "new", "--admin-address", server.Address); stdout != "filter new has no revision yet\n" {
		t.Errorf("none yet: %q", stdout)
	}
	if code, _, stderr := run(t, "history", "team/auht", "--admin-address", server.Address); code != command.ExitProblem || !strings.Contains(stderr, `did you mean "team/auth"?`) {
		t.Errorf("a near name: %d %s", code, stderr)
	}
	if code, _, stderr := run(t, "history", "--admin-address", server.Address); code != command.ExitUsage || !strings.Contains(stderr, "history needs the name of a filter") {
		t.Errorf("no name: %d %s", code, stderr)
	}
	if _, stdout, _ := run(t, "__complete", "rollback", "--admin-address", server.Address, "team/auth", ""); !strings.HasPrefix(stdout, "aaaaaaaaaaaa\tearlier\n:") {
		t.Errorf("completion: %s", stdout)
	}
}

func TestRollback(t *testing.T) {
	rolledBack := apitest.LiveFilter("auth")
	rolledBack.Error = &api.Error{Code: api.CodeRolledBack, Message: "rolled back: revision ffffffffffff of the spec is not served", Hint: "an edit of the spec ends the rollback"}
	onItsWay := rolledBack
	onItsWay.Candidate = "aaaaaaaaaaaa"
	waiting := rolledBack
	waiting.Subscribers = append([]api.Subscriber{{Node: "edge-2", State: api.SubscriberPending}}, rolledBack.Subscribers...)
	disabled := rolledBack
	disabled.Disabled = true
	alone := rolledBack
	alone.Subscribers = nil
	broken := rolledBack
	broken.Error = &api.Error{Message: "unknown field", Hint: "no", File: "/specs/auth.yaml", Line: 3}
	tests := []struct {
		name     string
		filter   api.Filter
		contains []string
	}{
		{"runs", rolledBack, []string{
			"filter auth: revision 0123456789ab is served, and runs on 1 of 1 Envoy\nmodule: sha256 ff00, 2.0 KiB\n",
			"revision ffffffffffff of the spec is not served; the spec is not changed: the next change of what it describes ends the rollback and is served\n",
		}},
		{"rolls out", onItsWay, []string{"revision aaaaaaaaaaaa is rolling out, and runs on 0 of 1 Envoy; Envoys without it run 0123456789ab\n", "wasm-xds status auth --watch"}},
		{"is on its way", waiting, []string{"runs on 1 of 2 Envoys\n", "wasm-xds status auth --watch"}},
		{"of a disabled filter", disabled, []string{"the filter is disabled: everything passes\n"}},
		{"without an Envoy", alone, []string{"is served; no Envoy asks for it now\n"}},
		{"to the spec's own", apitest.LiveFilter("auth"), []string{"this is what its spec describes: no rollback holds\n"}},
		{"of a broken spec", broken, []string{"auth: /specs/auth.yaml:3: unknown field\n"}},
	}
	server := apitest.Start(t, apitest.LiveFilter("auth"))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked string
			server.Rollback = func(name, revision string) (api.Filter, *api.Error) {
				asked = name + "@" + revision
				return tt.filter, nil
			}
			code, stdout, stderr := run(t, "rollback", "auth", "01", "--admin-address", server.Address)
			if code != command.ExitOK || stderr != "" || asked != "auth@01" {
				t.Errorf("exit %d, asked for %s: %s", code, asked, stderr)
			}
			for _, text := range tt.contains {
				if !strings.Contains(stdout, text) {
					t.Errorf("got\n%s\nwithout\n%s", stdout, text)
				}
			}
			if _, stdout, _ := run(t, "rollback", "auth", "--admin-address", server.Address, "-o", "json"); asked != "auth@" || !strings.HasPrefix(stdout, "{\n  \"name\": \"auth\"") {
				t.Errorf("JSON, asked for %s: %s", asked, stdout)
			}
		})
	}
}

func TestRollbackSaysWhyNot(t *testing.T) {
	server := apitest.Start(t, apitest.LiveFilter("auth"))
	code, _, stderr := run(t, "rollback", "auht", "--admin-address", server.Address)
	if want := "wasm-xds: there is no filter \"auht\"\n  hint: did you mean \"auth\"?\n"; code != command.ExitProblem || stderr != want {
		t.Errorf("exit %d: %s", code, stderr)
	}
	server.Rollback = func(string, string) (api.Filter, *api.Error) {
		return api.Filter{}, &api.Error{Code: api.CodeNoRevision, Message: "no revision", Hint: "it has 0123456789ab (active)"}
	}
	if code, _, stderr := run(t, "rollback", "auth", "ff", "--admin-address", server.Address); code != command.ExitProblem || !strings.Contains(stderr, "hint: it has 0123456789ab (active)") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if code, _, stderr := run(t, "rollback", "auth", "", "--admin-address", server.Address); code != command.ExitUsage || !strings.Contains(stderr, "REVISION is empty") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

func TestRollbackWaits(t *testing.T) {
	live := apitest.LiveFilter("auth")
	pending := apitest.LiveFilter("auth")
	pending.Subscribers[0].State = api.SubscriberPending
	server := apitest.Start(t, pending)
	server.Rollback = func(string, string) (api.Filter, *api.Error) { return pending, nil }
	if code, stdout, stderr := run(t, "rollback", "auth", "--admin-address", server.Address, "--wait", "1ms"); code != command.ExitProblem || !strings.Contains(stderr, "after 1ms") || !strings.Contains(stdout, "0 of 1 Envoy") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	ended := make(chan int, 1)
	wait := func() {
		code, _, _ := run(t, "rollback", "auth", "--admin-address", server.Address, "--wait", "1m")
		ended <- code
	}
	go wait()
	filters := []api.Filter{live}
	server.SetFilters(filters...)
	// A client without a subscription yet sees the state once it subscribes.
	server.Publish(api.Event{Type: api.EventFilter, Name: "auth"})
	if code := <-ended; code != command.ExitOK {
		t.Errorf("exit %d", code)
	}
	// After a refusal, waiting does not help.
	refused := apitest.LiveFilter("auth")
	refused.Revision, refused.Error = "eeeeeeeeeeee", &api.Error{Code: "rejected_by_envoy", Message: "Envoy 1.40.0 refused it"}
	filters = []api.Filter{refused}
	server.SetFilters(filters...)
	if code, _, stderr := run(t, "rollback", "auth", "--admin-address", server.Address, "--wait", "1m"); code != command.ExitProblem || !strings.Contains(stderr, "Envoy 1.40.0 refused it") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	disabled := apitest.LiveFilter("auth")
	disabled.Disabled, disabled.Subscribers[0].Revision = true, "ffffffffffff" // the revision of the pass-through stand-in
	filters = []api.Filter{disabled}
	server.SetFilters(filters...)
	if code, _, stderr := run(t, "rollback", "auth", "--admin-address", server.Address, "--wait", "1m"); code != command.ExitOK {
		t.Errorf("a disabled one, exit %d: %s", code, stderr)
	}
	live.Revision = "eeeeeeeeeeee"
	filters = []api.Filter{live}
	server.SetFilters(filters...)
	go wait()
	if <-ended != command.ExitProblem {
		t.Error("another revision is served, and nobody is told")
	}
}
