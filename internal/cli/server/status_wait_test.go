package server

import (
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/view"
	"github.com/wasm-xds/wasm-xds/internal/test/apitest"
)

const wantedRevision = "0123456789ab"

// change returns a live filter with edits.
func change(edits ...func(*api.Filter)) *api.Filter {
	f := apitest.LiveFilter("auth")
	for _, edit := range edits {
		edit(&f)
	}
	f.Summarize()
	return &f
}

func TestWaitLooks(t *testing.T) {
	refusal := &api.Error{Code: "rejected_by_envoy", Message: "Envoy refused it"}
	state := func(s api.SubscriberState) func(*api.Filter) {
		return func(f *api.Filter) { f.Subscribers[0].State = s }
	}
	failing := func(code string) func(*api.Filter) {
		return func(f *api.Filter) { f.Error = &api.Error{Code: code, Message: "why"} }
	}
	nobody := func(f *api.Filter) { f.Subscribers = nil }
	for name, tt := range map[string]struct {
		filter   *api.Filter
		revision string
		want     string // "live", "wait: ..." with the missing part, or the error's message
	}{
		"live":                            {change(), "", "live"},
		"an Envoy has not answered":       {change(state(api.SubscriberPending)), "", "wait: filter auth runs on 0 of 1 Envoy"},
		"a rollout goes on":               {change(func(f *api.Filter) { f.Candidate, f.Rollout = "ffff", "ffff runs on 0 of 1" }), "", "wait: filter auth runs on 1 of 1 Envoy, ffff runs on 0 of 1"},
		"no Envoy asks":                   {change(nobody), "", "live"},
		"no Envoy asks for what is new":   {change(nobody, func(f *api.Filter) { f.Candidate = "ffff" }), "", "live"},
		"the sandbox is at it":            {change(failing(api.CodePreflightRunning)), "", "wait: filter auth runs on 1 of 1 Envoy, why"},
		"nobody, and the sandbox at it":   {change(nobody, failing(api.CodePreflightRunning)), "", "wait: filter auth runs on 0 of 0 Envoys, why"},
		"refused":                         {change(failing("module_missing")), "", "why"},
		"an Envoy refuses":                {change(state(api.SubscriberRejected), func(f *api.Filter) { f.Subscribers[0].Error = refusal }), "", "Envoy refused it"},
		"an Envoy's spec selects others":  {change(state(api.SubscriberDenied)), "", "Envoy edge-1 cannot run it: denied"},
		"a rollback keeps it":             {change(failing(api.CodeRolledBack)), "", "why"},
		"its spec was removed":            {change(failing(api.CodeSpecRemoved), func(f *api.Filter) { f.State = api.FilterRemoved }), "", "live"},
		"this revision":                   {change(), "0123", "live"},
		"another revision":                {change(), "ffff", "wait: filter auth is to run revision 0123456789ab and not ffff"},
		"another revision, and an error":  {change(failing("module_missing")), "ffff", "wait: filter auth is to run revision 0123456789ab and not ffff"},
		"this revision, and nobody asks":  {change(nobody), wantedRevision, "live"},
		"this revision, which is refused": {change(failing("rejected_by_envoy"), func(f *api.Filter) { f.Rejected = []string{"ffff"} }), "ffff", "why"},
	} {
		t.Run(name, func(t *testing.T) {
			w := waiting{name: "auth", revision: tt.revision}
			got := "wait: "
			done, err := w.look(&view.View{One: true, Filters: []api.Filter{*tt.filter}})
			if got += w.missing; err != nil {
				got = err.Error()
			}
			if done {
				got = "live"
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestWaitReads(t *testing.T) {
	broken := &api.Error{Code: "bad_yaml", Message: "broken", File: "/specs/new.yaml", Line: 1}
	down := &api.Error{Code: "registry_unreachable", Message: "down", File: "oci://r/b:prod"}
	gone := &api.Error{Code: "directory_missing", Message: "gone", File: "/specs"}
	filters := []api.SyncFilter{
		{Name: "auth", SpecFile: "/specs/auth.yaml", Revision: wantedRevision},
		{Name: "bad", SpecFile: "/specs/bad.yaml", Refused: "ffff", Error: &api.Error{Message: "it traps"}},
	}
	for name, tt := range map[string]struct {
		wait waiting
		sync api.Sync
		want string
	}{
		"all is read":                         {waiting{}, api.Sync{}, ""},
		"all, and a document is broken":       {waiting{}, api.Sync{Errors: []*api.Error{broken}}, "/specs/new.yaml:1: broken"},
		"all, and the directory is gone":      {waiting{}, api.Sync{Error: gone}, "/specs: gone"},
		"one, and the directory is gone":      {waiting{name: "auth"}, api.Sync{Error: gone}, "/specs: gone"},
		"one, and another source is down":     {waiting{name: "auth"}, api.Sync{Error: down}, ""},
		"one, and another document is broken": {waiting{name: "auth"}, api.Sync{Errors: []*api.Error{broken}}, ""},
		"one that is not there":               {waiting{name: "other"}, api.Sync{}, ""},
		"one whose document is broken":        {waiting{name: "new"}, api.Sync{Errors: []*api.Error{broken}}, "/specs/new.yaml:1: broken"},
		"a revision that is refused":          {waiting{name: "bad", revision: "ff"}, api.Sync{}, "it traps"},
		"a revision that is still to come":    {waiting{name: "bad", revision: "0a"}, api.Sync{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tt.sync.Filters = filters
			got := ""
			if err := tt.wait.read(&tt.sync); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
