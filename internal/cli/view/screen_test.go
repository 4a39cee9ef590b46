package view

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(m.Run())
}

// someTime is long ago, so ages in the golden files do not change.
var someTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// fleet is a list of filters, each in another state.
func fleet() []api.Filter {
	filter := func(name string, live, total int, change func(*api.Filter)) api.Filter {
		f := api.Filter{
			Name: name, Type: "http", Revision: "0123456789ab", Stable: "0123456789ab", State: api.FilterActive, Delivery: "remote", OnRemove: "keep",
			SpecFile: "/etc/wasm-xds/filters/" + name + ".yaml", Module: api.Module{SHA256: strings.Repeat("9f", 32), Size: 86154},
		}
		for i := range total {
			s := api.Subscriber{Node: fmt.Sprintf("edge-%d", i+1), Address: "127.0.0.1:5000", Envoy: "1.40.0", State: api.SubscriberLive, Revision: f.Revision, Variant: "remote", Since: someTime}
			if i >= live {
				s.State = api.SubscriberPending
			}
			f.Subscribers = append(f.Subscribers, s)
		}
		change(&f)
		f.Summarize()
		return f
	}
	rolling := func(state api.RolloutState, change func(*api.RolloutStatus)) func(*api.Filter) {
		return func(f *api.Filter) {
			f.Candidate = "ba9876543210"
			f.RolloutStatus = &api.RolloutStatus{Revision: f.Candidate, State: state, Wave: 1, WaitsFor: []api.RolloutWait{}, Waves: []api.RolloutWave{
				{Name: "canary", Envoys: 1, Live: 1, State: api.WavePassed, Since: someTime, PassedAt: someTime.Add(30 * time.Second)},
				{Name: "10%", Envoys: 4, Live: 2, State: api.WaveProgressing, Since: someTime.Add(30 * time.Second)},
				{Name: "all", Envoys: 40, State: api.WaveWaiting},
			}}
			change(f.RolloutStatus)
		}
	}
	return []api.Filter{
		filter("auth", 4, 4, func(*api.Filter) {}),
		filter("a-filter-with-a-rather-long-name/of-a-team", 2, 2, func(*api.Filter) {}),
		filter("idle", 0, 0, func(f *api.Filter) { f.Stable = "" }),
		filter("soaking", 2, 4, rolling(api.RolloutSoaking, func(r *api.RolloutStatus) {
			r.Waves[1].State, r.Waves[1].SoakUntil, r.Waves[1].Live = api.WaveSoaking, someTime.Add(80*time.Second), 4
			r.Deadline = someTime.Add(time.Hour)
			r.Health = &api.RolloutHealth{Outcome: api.HealthGood, At: someTime.Add(20 * time.Second), Message: "5xx 0.1% beside 0.1%", Comparisons: []api.HealthComparison{
				{Name: "traps", Outcome: api.HealthGood}, {Name: "p99", Canary: 31, Stable: 30, Unit: "ms", Limit: 10, Outcome: api.HealthGood},
			}}
		})),
		filter("paused", 2, 4, rolling(api.RolloutPaused, func(r *api.RolloutStatus) {
			r.Paused = &api.RolloutHold{By: "deploy", At: someTime, Reason: "wait for the release"}
		})),
		filter("waits", 2, 4, rolling(api.RolloutWaiting, func(r *api.RolloutStatus) {
			r.WaitsFor = []api.RolloutWait{{Node: "edge-3", Envoy: "1.40.0", Reason: "no_answer", Message: "edge-3 (Envoy 1.40.0) has not answered yet; it is waited for until 03:04:35", Since: someTime}}
			r.Overdue, r.Deadline = true, someTime
		})),
		filter("refused", 1, 2, func(f *api.Filter) {
			f.Error = &api.Error{Code: "rejected_by_envoy", Message: "Envoy 1.40.0 refused revision ba9876543210: Unable to create Wasm plugin", Hint: "the reason is in that Envoy's log", File: f.SpecFile}
			f.Rejected = []string{"ba9876543210"}
		}),
		filter("pinned", 4, 4, func(f *api.Filter) {
			f.Error = &api.Error{Code: api.CodeRolledBack, Message: "pinned by deploy to revision 0123456789ab: revision ba9876543210 of the spec is not served", Hint: "`wasm-xds unpin pinned` ends the rollback, and an edit does not"}
		}),
		filter("watched", 4, 4, func(f *api.Filter) {
			f.RolloutStatus = &api.RolloutStatus{Revision: f.Revision, State: api.RolloutWatching, WatchUntil: someTime.Add(10 * time.Minute), Waves: []api.RolloutWave{}, WaitsFor: []api.RolloutWait{}}
		}),
	}
}

// history is the history of a filter with a refused revision.
func history(name string) *api.History {
	return &api.History{Name: name, Rollback: "aaaaaaaaaaaa", Revisions: []api.Revision{
		{
			Revision: "ba9876543210", State: api.RevisionCandidate, Since: someTime.Add(-time.Minute), File: "filters/" + name + ".yaml",
			Commit: &api.Commit{ID: strings.Repeat("1f", 20), Dirty: true}, Outcome: api.OutcomeRollingOut,
			Waves: []api.RolloutWave{{Name: "canary", Envoys: 1, Live: 1, State: api.WavePassed, PassedAt: someTime}, {Name: "all", Envoys: 4, Live: 2, State: api.WaveProgressing}},
			By:    []api.Action{{At: someTime, Action: "pause", By: "deploy", Reason: "wait for the release"}},
		},
		{
			Revision: "0123456789ab", State: api.RevisionActive, Since: someTime.Add(-2 * time.Hour), LiveAt: someTime.Add(-time.Hour), ServedSeconds: 3600,
			File: "filters/" + name + ".yaml", Commit: &api.Commit{ID: strings.Repeat("2e", 20)}, Outcome: api.OutcomeLive, Changes: []string{"config.realm", "module.sha256"},
			Module: api.Module{SHA256: strings.Repeat("9f", 32), Size: 86154},
		},
		{
			Revision: "cccccccccccc", State: api.RevisionRejected, Since: someTime.Add(-72 * time.Hour), EndedAt: someTime.Add(-72 * time.Hour), Outcome: api.OutcomeUnhealthy,
			Reason:   "3 of 120 requests trapped, and 0 of 4810 on the other Envoys",
			Refusals: []api.Refusal{{At: someTime.Add(-72 * time.Hour), Node: "edge-1", Message: "Unable to create Wasm plugin"}},
		},
	}}
}

// TestScreens compares the views on terminals of several widths with the golden files. No line is
// wider than the terminal.
func TestScreens(t *testing.T) {
	now := someTime.Add(time.Minute)
	for _, columns := range []int{40, 80, 120} {
		var all strings.Builder
		s := &display.Screen{Writer: &all, Columns: columns}
		title := func(text string) { fmt.Fprintf(&all, "== %s\n", text) }
		filters := fleet()
		title("status")
		v := &View{
			Filters: filters, Source: api.Source{State: api.SourceOK},
			freeze: api.Freeze{Frozen: true, By: "deploy", At: someTime, Reason: "the sale of the year"},
		}
		printFilters(s, v, now)
		title("status of five lines")
		printFilters(&display.Screen{Writer: &all, Columns: columns, Rows: 5}, v, now)
		for i := range filters {
			title("status " + filters[i].Name)
			printFilter(s, &filters[i], history(filters[i].Name), now)
		}
		title("history soaking")
		PrintHistory(s, history("soaking"))
		title("diff soaking")
		PrintDiff(s, &api.Diff{
			From: history("soaking").Revisions[1], To: history("soaking").Revisions[0], Diff: []string{"-failurePolicy: closed", "+failurePolicy: open"},
			ImportsAdded: []string{"env.proxy_http_call"}, Incomplete: "of one revision, the record does not have delivery, nodes and rollout",
		})
		for n, line := range strings.Split(all.String(), "\n") {
			if width := runewidth.StringWidth(line); width > columns && !strings.HasPrefix(line, "== ") && len(strings.Fields(line)) > 1 {
				t.Errorf("%d columns: line %d has %d: %s", columns, n+1, width, line)
			}
		}
		compareGolden(t, fmt.Sprintf("screen-%d.txt", columns), all.String())
	}
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run the test with -update:\n%s", name, got)
	}
}

func TestAttention(t *testing.T) {
	var names []string
	for _, f := range byAttention(fleet()) {
		names = append(names, f.Name)
	}
	if got, want := strings.Join(names, " "), "refused waits paused soaking watched a-filter-with-a-rather-long-name/of-a-team auth idle pinned"; got != want {
		t.Errorf("the order is %s, want %s", got, want)
	}
	if got, want := Summary(fleet()), "9 filters: 2 failing, 1 waiting, 2 progressing, 4 settled"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
