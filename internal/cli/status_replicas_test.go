package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/test/apitest"
)

func TestStatusReplicas(t *testing.T) {
	f := apitest.LiveFilter("auth")
	f.Subscribers[0].Replica, f.Incomplete = "control-a", []string{"control-c"}
	server := apitest.Start(t, f)
	since := time.Now().Add(-3 * time.Hour)
	server.Replica = api.Replica{Name: "control-a", URL: "https://control-a:18001", Version: "1.2.3", Since: since, Leader: true, Set: "0123456789abcdef", Envoys: 2000}
	server.Others = []api.Replica{
		{Name: "control-b", URL: "https://control-b:18001", Version: "1.2.3", Since: since, Reachable: true, Set: "fedcba9876543210", Envoys: 1},
		{Name: "control-c", Error: &api.Error{Message: "the replica control-c cannot be asked: it does not answer", Hint: "look at it"}},
	}
	code, stdout, stderr := run(t, "status", "--replicas", "--admin-address", server.Address)
	want := `NAME       STATE        ENVOYS  SPECS         VERSION  SINCE  URL
control-a  leader       2000    0123456789ab  1.2.3    3h     https://control-a:18001
control-b  serving      1       fedcba987654  1.2.3    3h     https://control-b:18001
control-c  unreachable  ?       -             -        -      -

control-c: the replica control-c cannot be asked: it does not answer
  hint: look at it

control-b serves other specs than the leader: look whether its source is as new, and whether it takes the same flags
`
	if code != command.ExitOK || stdout != want {
		t.Errorf("exit %d: got\n%s\nwant\n%s%s", code, stdout, want, stderr)
	}
	if code, _, _ := run(t, "status", "--replicas", "--exit-code", "--admin-address", server.Address); code != command.ExitProblem {
		t.Errorf("--exit-code: %d", code)
	}
	if _, stdout, _ := run(t, "status", "--replicas", "-o", "json", "--admin-address", server.Address); !strings.Contains(stdout, `"self": true`) {
		t.Errorf("JSON: %s", stdout)
	}
	if code, _, stderr := run(t, "status", "auth", "--replicas", "--admin-address", server.Address); code != command.ExitUsage || !strings.Contains(stderr, "--replicas") {
		t.Errorf("with a name: %d, %s", code, stderr)
	}
	for _, args := range [][]string{{"status"}, {"status", "auth"}} {
		_, stdout, _ := run(t, append(args, "--admin-address", server.Address)...)
		if !strings.Contains(stdout, "the Envoys of control-c are missing here") {
			t.Errorf("%v: %s", args, stdout)
		}
	}
	if _, stdout, _ := run(t, "status", "auth", "--admin-address", server.Address); !strings.Contains(stdout, "REPLICA") || !strings.Contains(stdout, "control-a") {
		t.Errorf("%s", stdout)
	}
	server.Replica.Degraded = &api.Error{Message: "this replica serves without its ledger since noon: etcd does not answer", Hint: "bring etcd back"}
	server.Replica.Waits = []string{"auth: revision fedcba987654 waits for the leader"}
	code, stdout, _ = run(t, "status", "--exit-code", "--admin-address", server.Address)
	if code != command.ExitProblem || !strings.Contains(stdout, "control-a: degraded: this replica serves without") || !strings.Contains(stdout, "  waits: auth: revision") {
		t.Errorf("exit %d: %s", code, stdout)
	}
}
