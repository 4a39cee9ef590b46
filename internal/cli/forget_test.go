package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/test/apitest"
)

func TestForget(t *testing.T) {
	gone := apitest.LiveFilter("auth")
	gone.State, gone.Subscribers = api.FilterRemoved, nil
	server := apitest.Start(t, gone, apitest.LiveFilter("login"))
	server.Forget = func(name string) (api.Forgotten, *api.Error) {
		if name == "login" {
			return api.Forgotten{}, &api.Error{
				Code: api.CodeStillAsked, Message: `1 Envoy asks for filter "login": edge-1 (10.0.0.1:4000)`, Hint: "take the filter out of their configuration first",
			}
		}
		return api.Forgotten{Name: name, Revisions: 1, IdleSince: time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)}, nil
	}
	code, stdout, stderr := run(t, "forget", "auth", "--admin-address", server.Address)
	if want := "filter auth is forgotten, with 1 revision: no Envoy had asked for it since 2026-01-02 03:04:05\n"; code != command.ExitOK || stdout != want {
		t.Errorf("exit %d: %q, %s", code, stdout, stderr)
	}
	if code, stdout, _ := run(t, "forget", "auth", "--admin-address", server.Address, "-o", "json"); code != command.ExitOK || !strings.Contains(stdout, `"revisions": 1`) {
		t.Errorf("exit %d: %s", code, stdout)
	}
	code, _, stderr = run(t, "forget", "login", "--admin-address", server.Address)
	if code != command.ExitProblem || !strings.Contains(stderr, "edge-1 (10.0.0.1:4000)") || !strings.Contains(stderr, "take the filter out") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if code, _, stderr := run(t, "forget", "--admin-address", server.Address); code != command.ExitUsage || !strings.Contains(stderr, "the name of a filter") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if _, stdout, _ := run(t, "__complete", "forget", "--admin-address", server.Address, ""); !strings.HasPrefix(stdout, "auth\n:") {
		t.Errorf("completion: %s", stdout)
	}
	if code, _, stderr := run(t, "serve", "--forget-removed", "-1s"); code != command.ExitUsage || !strings.Contains(stderr, "--forget-removed") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
