package cli

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/test/apitest"
)

func someNodes() []api.Node {
	long := time.Now().Add(-3 * time.Hour)
	live := api.NodeFilter{Name: "auth", State: api.SubscriberLive, Revision: "0123456789ab"}
	return []api.Node{
		{ID: "edge-1", Cluster: "edge", Address: "10.0.0.7:41822", Envoy: "1.40.0", Stream: "1", Mode: "ecds-delta", State: api.NodeConnected, Since: long, Filters: []api.NodeFilter{live}},
		{ID: "edge-1", Cluster: "edge", Address: "10.0.0.7:41822", Envoy: "1.40.0", Stream: "2", Mode: "ecds-delta", State: api.NodeConnected, Since: long.Add(time.Hour), Filters: []api.NodeFilter{
			{Name: "hello", State: api.SubscriberPending, Error: &api.Error{Message: "it has not answered", Hint: "wait"}},
		}},
		{ID: "edge-0", Cluster: "edge", Address: "10.0.0.6:41822", Envoy: "1.36.4", Mode: "ads-sotw", State: api.NodeGone, Since: long, Filters: []api.NodeFilter{
			{Name: "auth", State: api.SubscriberGone, Revision: "ffff"},
		}},
	}
}

func TestStatusNodes(t *testing.T) {
	server := apitest.Start(t)
	server.Nodes = someNodes()
	code, stdout, stderr := run(t, "status", "--nodes", "--admin-address", server.Address)
	want := `NODE    CLUSTER  ADDRESS         ENVOY   MODE        LIVE  STATE    SINCE
edge-1  edge     10.0.0.7:41822  1.40.0  ecds-delta  1/2   pending  3h
edge-0  edge     10.0.0.6:41822  1.36.4  ads-sotw    0/1   gone     3h

hello on edge-1 (10.0.0.7:41822): it has not answered
  hint: wait
`
	if code != command.ExitOK || stdout != want {
		t.Errorf("exit %d: got\n%s\nwant\n%s%s", code, stdout, want, stderr)
	}
	if code, _, _ := run(t, "status", "--nodes", "--exit-code", "--admin-address", server.Address); code != command.ExitProblem {
		t.Errorf("--exit-code: %d", code)
	}
	if _, stdout, _ := run(t, "status", "hello", "--nodes", "--admin-address", server.Address); strings.Contains(stdout, "edge-0") || !strings.Contains(stdout, "edge-1") {
		t.Errorf("those that ask for hello: %s", stdout)
	}
	if _, stdout, _ := run(t, "status", "--nodes", "-o", "json", "--admin-address", server.Address); !strings.Contains(stdout, `"state": "gone"`) || !strings.Contains(stdout, `"stream": "2"`) {
		t.Errorf("JSON: %s", stdout)
	}
}

// TestStatusFitsEightyColumns: names of up to 24 letters, in each state, with reasons of any
// length.
func TestStatusFitsEightyColumns(t *testing.T) {
	name := strings.Repeat("n", 24)
	var all []api.Filter
	for _, edit := range []func(*api.Filter){
		func(*api.Filter) {},
		func(f *api.Filter) { f.Subscribers = nil; f.Type = "network" },
		func(f *api.Filter) { f.Subscribers = nil; f.Stable = "ffff" },
		func(f *api.Filter) { f.Candidate = "ffffffffffff" },
		func(f *api.Filter) { f.Error = &api.Error{Code: api.CodeRolledBack, Message: "rolled back"} },
		func(f *api.Filter) {
			f.Error = &api.Error{Message: strings.Repeat("some words ", 30), Hint: strings.Repeat("other words ", 30), File: "/specs/a.yaml", Line: 3}
		},
		func(f *api.Filter) {
			for range 12 {
				f.Subscribers = append(f.Subscribers, f.Subscribers[0])
			}
		},
	} {
		f := apitest.LiveFilter(name)
		edit(&f)
		all = append(all, f)
	}
	server := apitest.Start(t, all...)
	_, stdout, _ := run(t, "status", "--admin-address", server.Address)
	_, one, _ := run(t, "status", name, "--admin-address", server.Address)
	lines := strings.Split(stdout+one, "\n")
	live := strings.Index(lines[0], "LIVE")
	for i, line := range lines {
		if len(line) > 80 {
			t.Errorf("%d columns: %s", len(line), line)
		}
		if i > 0 && i <= len(all) && !strings.HasPrefix(line[live:], "1/1") && !strings.HasPrefix(line[live:], "0/0") {
			t.Errorf("LIVE does not line up: %s", line)
		}
	}
}

// TestWatchWithoutATerminalPrintsChanges: unchanged filters are not printed again.
func TestWatchWithoutATerminalPrintsChanges(t *testing.T) {
	server := apitest.Start(t, apitest.LiveFilter("auth"), apitest.LiveFilter("hello"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	shown := &signalWriter{written: make(chan string, 100)}
	ended := make(chan int, 1)
	go func() {
		ended <- Run(ctx, []string{"status", "--watch", "--admin-address", server.Address}, strings.NewReader(""), shown, shown)
	}()
	waitFor(t, shown.written, "hello")
	gone := apitest.LiveFilter("hello")
	gone.Subscribers, gone.Stable = nil, gone.Revision
	next := []api.Filter{apitest.LiveFilter("auth"), gone}
	server.SetFilters(next...)
	server.Publish(api.Event{Type: api.EventFilter, Name: "hello"})
	select {
	case got := <-shown.written:
		if !strings.HasSuffix(got, " hello  Envoys gone  0123456789ab  0/0\n") {
			t.Errorf("written: %q", got)
		}
	case <-time.After(time.Minute):
		t.Error("nothing was written")
	}
	cancel()
	<-ended
}

// TestAWarningOfAnEnvoyIsNoTrouble: the warning is printed once for all filters, and --exit-code
// is 0.
func TestAWarningOfAnEnvoyIsNoTrouble(t *testing.T) {
	warned := func(name string) api.Filter {
		f := apitest.LiveFilter(name)
		f.Subscribers[0].Error = &api.Error{Code: api.CodeModuleNotFetched, Message: "no GET arrives"}
		return f
	}
	server := apitest.Start(t, warned("auth"), warned("hello"))
	code, stdout, _ := run(t, "status", "--exit-code", "--admin-address", server.Address)
	if code != command.ExitOK || strings.Count(stdout, "\nedge-1 (127.0.0.1:5): warning: no GET arrives\n") != 1 || strings.Count(stdout, "no GET") != 1 {
		t.Errorf("exit %d: %s", code, stdout)
	}
}

// A bad new file of tokens is a problem of the server.
func TestStatusShowsABadTokenFile(t *testing.T) {
	server := apitest.Start(t, apitest.LiveFilter("auth"))
	server.Tokens = api.Tokens{File: "/etc/tokens", Tokens: 1, Error: &api.Error{Message: "the new tokens cannot be used", Hint: "correct line 2"}}
	code, stdout, _ := run(t, "status", "--exit-code", "--admin-address", server.Address)
	if want := "/etc/tokens: the new tokens cannot be used\n  hint: correct line 2\n"; code != command.ExitProblem || !strings.Contains(stdout, want) {
		t.Errorf("exit %d:\n%s", code, stdout)
	}
}
