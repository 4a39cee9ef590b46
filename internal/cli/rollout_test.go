package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/test/apitest"
)

func waitingFilter() api.Filter {
	f := apitest.LiveFilter("auth")
	f.Candidate = "aaaaaaaaaaaa"
	f.Rollout = "revision aaaaaaaaaaaa runs on 0 of 1, and waits: edge-1 (Envoy 1.40.0) does not answer"
	f.RolloutStatus = &api.RolloutStatus{Revision: "aaaaaaaaaaaa", State: api.RolloutWaiting, WaitsFor: []api.RolloutWait{
		{Node: "edge-1", Envoy: "1.40.0", Reason: "no_answer", Message: "edge-1 (Envoy 1.40.0) does not answer\x1b[2J", Since: time.Unix(0, 0)},
	}}
	return f
}

func TestPromote(t *testing.T) {
	server := apitest.Start(t, waitingFilter())
	var asked string
	server.Decide = func(what, name, revision string) (api.Filter, *api.Error) {
		asked = what + " " + name + "@" + revision
		return apitest.LiveFilter("auth"), nil
	}
	code, stdout, stderr := run(t, "rollout", "promote", "auth", "--admin-address", server.Address)
	if want := "filter auth: revision 0123456789ab is served, and runs on 1 of 1 Envoy\n"; code != command.ExitOK || asked != "promote auth@" || !strings.HasPrefix(stdout, want) {
		t.Errorf("exit %d, asked for %s: %s%s", code, asked, stdout, stderr)
	}
	if _, stdout, _ := run(t, "rollout", "promote", "auth", "--admin-address", server.Address, "-o", "json"); !strings.HasPrefix(stdout, "{\n  \"name\": \"auth\"") {
		t.Errorf("JSON: %s", stdout)
	}
	for command, want := range map[string]string{
		"status":      "auth: the rollout of revision aaaaaaaaaaaa waits\n  it waits: edge-1 (Envoy 1.40.0) does not answer\uFFFD[2J\n",
		"status auth": "\nThe rollout waits: edge-1 (Envoy 1.40.0) does not answer\uFFFD[2J.\n",
	} {
		_, stdout, _ := run(t, append(strings.Fields(command), "--admin-address", server.Address)...)
		if !strings.Contains(stdout, want) {
			t.Errorf("%s: %s", command, stdout)
		}
	}
	if code, _, stderr := run(t, "rollout", "promot", "auth"); code != command.ExitUsage || !strings.Contains(stderr, `did you mean "promote"?`) {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if code, stdout, _ := run(t, "rollout"); code != command.ExitOK || !strings.Contains(stdout, "promote") {
		t.Errorf("exit %d: %s", code, stdout)
	}
}

// A command on a held rollout says so, and names the command that goes on.
func TestHeldRollouts(t *testing.T) {
	server := apitest.Start(t, waitingFilter())
	for _, tt := range []struct {
		status     api.RolloutStatus
		says, hint string
	}{
		{api.RolloutStatus{Paused: &api.RolloutHold{By: "deploy", Reason: "lunch"}}, "is paused, and runs on 0 of 1 Envoy", "wasm-xds rollout resume auth"},
		{api.RolloutStatus{Paused: &api.RolloutHold{By: "spec"}}, "is paused by its spec, and", "wasm-xds rollout promote auth"},
		{api.RolloutStatus{Frozen: &api.RolloutHold{}}, "is frozen with all rollouts of the server, and", "wasm-xds freeze off"},
		{api.RolloutStatus{}, "is rolling out, and", "wasm-xds status auth --watch"},
	} {
		server.Decide = func(string, string, string) (api.Filter, *api.Error) {
			f := waitingFilter()
			f.RolloutStatus = &tt.status
			return f, nil
		}
		code, stdout, stderr := run(t, "rollout", "pause", "auth", "--admin-address", server.Address)
		if code != command.ExitOK || !strings.Contains(stdout, "filter auth: revision aaaaaaaaaaaa "+tt.says) || !strings.Contains(stdout, tt.hint) {
			t.Errorf("exit %d: %s%s", code, stdout, stderr)
		}
	}
}

func TestRetry(t *testing.T) {
	server := apitest.Start(t, apitest.LiveFilter("auth"))
	server.Decide = func(what, name, revision string) (api.Filter, *api.Error) {
		if what != "retry" || name != "auth" {
			t.Errorf("asked for %s %s", what, name)
		}
		if revision == "ff" {
			return api.Filter{Name: name}, &api.Error{Code: "nothing_to_retry", Message: "revision ff was not refused", Hint: "see the history"}
		}
		return waitingFilter(), nil
	}
	code, stdout, stderr := run(t, "retry", "auth", "--admin-address", server.Address)
	if want := "filter auth: revision aaaaaaaaaaaa is rolling out, and runs on 0 of 1 Envoy; Envoys without it run 0123456789ab\n"; code != command.ExitOK || !strings.HasPrefix(stdout, want) {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	if code, _, stderr := run(t, "retry", "auth", "ff", "--admin-address", server.Address); code != command.ExitProblem || !strings.Contains(stderr, "hint: see the history") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if code, _, stderr := run(t, "retry", "auth", "", "--admin-address", server.Address); code != command.ExitUsage || !strings.Contains(stderr, "REVISION is empty") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	// The sandbox refuses the revision again.
	refused := apitest.LiveFilter("auth")
	refused.Error = &api.Error{Code: "module_start_failed", Message: "the module traps"}
	server.SetFilters(refused)
	if code, _, stderr := run(t, "retry", "auth", "--wait", "10s", "--admin-address", server.Address); code != command.ExitProblem || !strings.Contains(stderr, "the module traps") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	server.SetFilters(apitest.LiveFilter("auth"))
	if code, stdout, stderr := run(t, "retry", "auth", "--wait", "10s", "--admin-address", server.Address); code != command.ExitOK || !strings.Contains(stdout, "runs on 1 of 1 Envoy") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
}

// A freeze that is refused prints the reason, and nothing about a state that the server did not
// tell.
func TestFreeze(t *testing.T) {
	server := apitest.Start(t)
	freeze := func(args ...string) (code int, stdout, stderr string) {
		return run(t, append([]string{"freeze"}, append(args, "--admin-address", server.Address)...)...)
	}
	for _, tt := range []struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		{[]string{"status"}, command.ExitOK, "the server is not frozen\n", ""},
		{[]string{"off"}, command.ExitProblem, "", "the freeze is as it was"},
		{[]string{"on"}, command.ExitUsage, "", "--reason is missing"},
		{[]string{"on", "--reason", "a sale"}, command.ExitOK, "the server is frozen since ", ""},
		{[]string{"on", "--reason", "a sale"}, command.ExitProblem, "", "the freeze is as it was"},
		{[]string{"off"}, command.ExitOK, "the server is not frozen\n", ""},
	} {
		code, stdout, stderr := freeze(tt.args...)
		if code != tt.code || !strings.HasPrefix(stdout, tt.stdout) || tt.stdout == "" && stdout != "" || !strings.Contains(stderr, tt.stderr) {
			t.Errorf("%q: exit %d, %q, %q", tt.args, code, stdout, stderr)
		}
	}
}
