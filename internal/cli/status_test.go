package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/test/apitest"
)

func rejectedFilter() api.Filter {
	f := apitest.LiveFilter("hello")
	f.Error = &api.Error{Code: "rejected", Message: "Envoy refused revision aa", Hint: "see Envoy's log", File: "/specs/hello.yaml", Line: 3}
	f.Subscribers[0].Node = "evil\x1b[2J"
	f.Subscribers[0].State, f.Subscribers[0].Error = api.SubscriberRejected, &api.Error{Message: "Unable to create Wasm plugin"}
	return f
}

func TestStatusList(t *testing.T) {
	server := apitest.Start(t, apitest.LiveFilter("auth"), rejectedFilter())
	server.Source.Errors = []*api.Error{
		{Message: "unknown field", File: "/specs/x.yaml", Line: 1, Column: 2, Hint: "no"},
		rejectedFilter().Error, // printed with its filter already
	}
	code, stdout, stderr := run(t, "status", "--admin-address", server.Address)
	if code != command.ExitOK || stderr != "" {
		t.Errorf("exit %d: %s", code, stderr)
	}
	want := `NAME   STATE       REVISION      LIVE  TYPE  DELIVERY
hello  with error  0123456789ab  0/1   http  remote
auth   active      0123456789ab  1/1   http  remote

hello: /specs/hello.yaml:3: Envoy refused revision aa
  hint: see Envoy's log

hello on evil` + "\uFFFD" + `[2J (127.0.0.1:5): Unable to create Wasm plugin

1 problem in the specs:
/specs/x.yaml:1:2: unknown field
  hint: no
`
	if stdout != want {
		t.Errorf("got\n%s\nwant\n%s", stdout, want)
	}
	if code, _, _ := run(t, "status", "--admin-address", server.Address, "--exit-code"); code != command.ExitProblem {
		t.Errorf("--exit-code: %d", code)
	}
	if code, stdout, _ := run(t, "status", "--admin-address", server.Address, "--exit-code", "auth"); code != command.ExitOK || !strings.Contains(stdout, "edge-1") || !strings.Contains(stdout, "sha256 ff00, 2.0 KiB") {
		t.Errorf("auth: %d %s", code, stdout)
	}
	if _, stdout, _ := run(t, "status", "--admin-address", server.Address, "-o", "json", "auth"); !strings.HasPrefix(stdout, "{\n  \"name\": \"auth\"") {
		t.Errorf("JSON: %s", stdout)
	}
	if code, _, stderr := run(t, "status", "--admin-address", server.Address, "auht"); code != command.ExitProblem || !strings.Contains(stderr, `did you mean "auth"?`) {
		t.Errorf("a near name: %d %s", code, stderr)
	}
	if _, stdout, _ := run(t, "__complete", "status", "--admin-address", server.Address, ""); !strings.HasPrefix(stdout, "auth\nhello\n") {
		t.Errorf("completion: %s", stdout)
	}
}

func TestStatusWaits(t *testing.T) {
	pending := apitest.LiveFilter("auth")
	pending.Subscribers[0].State = api.SubscriberPending
	server := apitest.Start(t, pending)
	if code, _, stderr := run(t, "status", "auth", "--admin-address", server.Address, "--wait", "1ms"); code != command.ExitProblem {
		t.Errorf("exit %d: %s", code, stderr)
	}
	ended := make(chan int, 1)
	go func() {
		code, _, _ := run(t, "status", "auth", "--admin-address", server.Address, "--wait", "1m")
		ended <- code
	}()
	live := []api.Filter{apitest.LiveFilter("auth")}
	server.SetFilters(live...)
	// A client without a subscription yet sees the state once it subscribes.
	server.Publish(api.Event{Type: api.EventFilter, Name: "auth"})
	if code := <-ended; code != command.ExitOK {
		t.Errorf("exit %d", code)
	}
}

func TestStatusWatches(t *testing.T) {
	server := apitest.Start(t, apitest.LiveFilter("auth"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	shown := &signalWriter{written: make(chan string, 100)}
	ended := make(chan int, 1)
	go func() {
		ended <- Run(ctx, []string{"status", "--watch", "--admin-address", server.Address}, strings.NewReader(""), shown, shown)
	}()
	waitFor(t, shown.written, "auth")
	two := []api.Filter{apitest.LiveFilter("auth"), apitest.LiveFilter("hello")}
	server.SetFilters(two...)
	server.Publish(api.Event{Type: api.EventFilter, Name: "hello"})
	waitFor(t, shown.written, "hello")
	cancel()
	if code := <-ended; code != command.ExitOK {
		t.Errorf("exit %d", code)
	}
}

// signalWriter reports each write.
type signalWriter struct{ written chan string }

func (s *signalWriter) Write(p []byte) (int, error) {
	s.written <- string(bytes.Clone(p))
	return len(p), nil
}

func waitFor(t *testing.T, written <-chan string, text string) {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		select {
		case got := <-written:
			if strings.Contains(got, text) {
				return
			}
		case <-limit:
			t.Fatalf("%q was not written", text)
		}
	}
}

// TestStatusWaitSyncsFirst: the answer is newer than the server's knowledge before the sync.
func TestStatusWaitSyncsFirst(t *testing.T) {
	server := apitest.Start(t, apitest.LiveFilter("auth"))
	if code, stdout, stderr := run(t, "status", "auth", "--admin-address", server.Address, "--wait", "1m"); code != command.ExitOK || server.Syncs.Load() != 1 {
		t.Errorf("exit %d after %d syncs: %s%s", code, server.Syncs.Load(), stdout, stderr)
	}
	server.SyncError = &api.Error{Code: api.CodeSyncTimeout, Message: "still fetched or tried: auth"}
	if code, _, stderr := run(t, "status", "auth", "--admin-address", server.Address, "--wait", "1m"); code != command.ExitProblem || !strings.Contains(stderr, "still fetched or tried: auth") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	server.SyncError = nil
	refused := apitest.LiveFilter("auth")
	refused.Error = &api.Error{Message: "the module traps", Hint: "mend it"}
	server.SetFilters(refused)
	code, stdout, stderr := run(t, "status", "auth", "--admin-address", server.Address, "--wait", "1m")
	if code != command.ExitProblem || stdout != "" || stderr != "wasm-xds: the module traps\n  hint: mend it\n" {
		t.Errorf("refused: exit %d: %s%s", code, stdout, stderr)
	}
}
