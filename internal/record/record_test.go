package record

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

var (
	key   = []byte("0123456789abcdef0123456789abcdef")
	begin = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

func at(seconds int) time.Time { return begin.Add(time.Duration(seconds) * time.Second) }

func filter(name, root string, change ...func(*snapshot.Revision)) *snapshot.Filter {
	r := &snapshot.Revision{
		Filter: name, Type: spec.HTTP, RootID: root, Policy: spec.Closed, Module: snapshot.Module{SHA256: "ab", Size: 7},
		VM: snapshot.VM{Runtime: "v8"},
	}
	for _, do := range change {
		do(r)
	}
	return &snapshot.Filter{
		Name: name, Type: spec.HTTP, Revision: r.Seal(), Policy: spec.Closed, Delivery: spec.Remote, OnRemove: spec.Keep, SpecFile: "/specs/" + name + ".yaml",
		Canary: spec.Canary{Count: 1},
	}
}

func config(text string) func(*snapshot.Revision) {
	return func(r *snapshot.Revision) { r.Config = &text }
}

func textOf(f *snapshot.Filter) string { return TextOf(f.Revision, f, key) }

func TestText(t *testing.T) {
	f := filter("auth", "root", config(`{"realm":"secret-realm","users":["alice","bob"],"a":{"b":1.50}}`), func(r *snapshot.Revision) {
		r.VM.Env, r.VM.HostEnv = map[string]string{"TOKEN": "secret-token"}, []string{"HOME"}
		r.Capabilities = []string{"proxy_log"}
		r.Module.Reference = "https://user:password@registry.example/a?token=x"
	})
	f.Nodes = spec.NodeSelector{Clusters: []string{"edge"}, Metadata: map[string]string{"env": "prod"}}
	want := []string{
		"type: http", "module.image: https://…@registry.example/a?…", "module.sha256: ab", "module.size: 7", "rootId: root",
		"config.a.b: …", "config.realm: …", "config.users[0]: …", "config.users[1]: …", "failurePolicy: closed", "capabilities: [proxy_log]",
		"vm.env.TOKEN: …", "vm.hostEnv: HOME", "vm.runtime: v8", "delivery: remote", "nodes.clusters: edge", "nodes.metadata.env: prod",
		"rollout.canary: 1", "onRemove: keep",
	}
	if got := Shown(textOf(f)); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestDiff(t *testing.T) {
	object := func(password string) func(*snapshot.Revision) {
		s, err := structpb.NewStruct(map[string]any{"password": password})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := proto.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return func(r *snapshot.Revision) {
			text := string(raw)
			r.Config, r.ConfigType = &text, spec.ConfigStruct
		}
	}
	steps := filter("a", "")
	steps.Rollout = spec.Rollout{Soak: 30 * time.Second, Steps: []spec.Step{{Percent: 10}}, Health: &spec.Health{
		MinRequests: 100, P99: spec.DelayLimit{Over: 20 * time.Millisecond, Named: true}, P50: spec.DelayLimit{Over: spec.NoDelayLimit}, After: 10 * time.Minute, Prometheus: &spec.PrometheusLimit{URL: "http://user:password@prometheus:9090/"},
	}}
	percent := filter("a", "")
	percent.Canary = spec.Canary{Percent: 10}
	for _, tt := range []struct {
		name     string
		from, to *snapshot.Filter
		want     []string
	}{
		{"equal", filter("a", "x"), filter("a", "x"), nil},
		{"a value", filter("a", "x"), filter("a", "y"), []string{"-rootId: x", "+rootId: y"}},
		{"a new value", filter("a", ""), filter("a", "y"), []string{"+rootId: y"}},
		{"a value that goes", filter("a", "x"), filter("a", ""), []string{"-rootId: x"}},
		{"a secret", filter("a", "", config(`{"a":"secret1","b":"same"}`)), filter("a", "", config(`{"a":"secret2","b":"same"}`)), []string{"-config.a: …", "+config.a: … (another value)"}},
		{"another key", filter("a", "", config(`{"a":"secret1"}`)), filter("a", "", config(`{"b":"secret1"}`)), []string{"-config.a: …", "+config.b: …"}},
		{"the order of keys", filter("a", "", config(`{"a":1,"b":2}`)), filter("a", "", config(`{"b":2,"a":1}`)), []string{"-config: …", "+config: … (another value)"}},
		{"text", filter("a", "", config("password = one")), filter("a", "", config("password = two")), []string{"-config: …", "+config: … (another value)"}},
		{"a struct", filter("a", "", object("secret1")), filter("a", "", object("secret2")), []string{"-config.password: …", "+config.password: … (another value)"}},
		{"a setting", filter("a", ""), percent, []string{"-rollout.canary: 1", "+rollout.canary: 10%"}},
		{"a rollout", filter("a", ""), steps, []string{
			"+rollout.health.after: 10m0s", "+rollout.health.latency.p99.over: 20ms", "+rollout.health.minRequests: 100", "+rollout.health.prometheus.url: http://…@prometheus:9090/",
			"+rollout.soak: 30s", "+rollout.steps[0]: 10%",
		}},
	} {
		if got := Diff(textOf(tt.from), textOf(tt.to)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	// Of a revision before the record, the settings are not known.
	old := TextOf(filter("a", "x").Revision, nil, key)
	if got, want := Diff(old, textOf(filter("a", "y"))), []string{"-rootId: x", "+rootId: y"}; !slices.Equal(got, want) || HasSettings(old) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A text is bounded, whatever the configuration is, and a change beyond the bound shows.
func TestTextsAreBounded(t *testing.T) {
	large := func(last int) string {
		all := map[string]int{}
		for i := range 5000 {
			all[fmt.Sprintf("key-%05d-%s", i, strings.Repeat("x", 300))] = i
		}
		all["zz"] = last
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	env := func(n int) func(*snapshot.Revision) {
		return func(r *snapshot.Revision) {
			r.VM.Env = map[string]string{}
			for i := range 2000 {
				r.VM.Env[fmt.Sprintf("NAME_%05d_%s", i, strings.Repeat("y", 500))] = fmt.Sprint(i)
			}
			r.VM.Env["ZZ"] = fmt.Sprint(n)
		}
	}
	for _, pair := range [][2]*snapshot.Filter{
		{filter("a", "", config(large(1))), filter("a", "", config(large(2)))},
		{filter("a", "", env(1)), filter("a", "", env(2))},
		{filter("a", strings.Repeat("r", 1<<20)), filter("a", "")},
	} {
		a, b := textOf(pair[0]), textOf(pair[1])
		if most := mostLines * (mostKey + mostValue + 40); len(a) > most {
			t.Errorf("a text has %d bytes, more than %d", len(a), most)
		}
		if len(Diff(a, b)) == 0 {
			t.Error("the change does not show")
		}
	}
}

// No text has a secret, in whatever field it is, and no hidden value can be guessed without the
// key.
func FuzzTextHasNoSecrets(f *testing.F) {
	f.Add(`{"a":"%s"}`, "rootid")
	f.Add("password = %s", "x %s y")
	f.Add(`["%s"]`, "%s")
	f.Add("%s\t%s", "a\tb: c")
	f.Fuzz(func(t *testing.T, form, root string) {
		const secret = "canary-7f3a9c51"
		put := func(s string) string { return strings.ReplaceAll(s, "%s", secret) }
		one := filter("a", put(root), config(put(form)), func(r *snapshot.Revision) {
			r.VM.Env = map[string]string{"A": secret}
			text := put(form)
			r.VM.Config = &text
		})
		if isKey(put(form), secret) {
			return // names are no secrets
		}
		text := textOf(one)
		if strings.Contains(text, secret) {
			t.Errorf("the secret is in %q", text)
		}
		if other := TextOf(one.Revision, one, []byte("another key")); other == text {
			t.Error("the key changes nothing")
		}
		for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			if !strings.Contains(l, ": ") {
				t.Errorf("a line is broken: %q", l)
			}
		}
	})
}

// isKey reports whether a key of JSON has a text.
func isKey(form, text string) bool {
	value, _ := decode(form)
	found := false
	flatten("", value, func(key, _ string) { found = found || strings.Contains(key, text) })
	return found
}

// story is the entries of a filter on one line each.
func story(b *Book, name string) []string {
	var all []string
	for _, e := range b.Entries(name) {
		text := fmt.Sprintf("%s %s %d-%d", e.Revision[:4], e.Outcome, int(e.At.Sub(begin).Seconds()), int(max(e.EndedAt.Sub(begin), 0).Seconds()))
		for _, turn := range e.Before {
			text += fmt.Sprintf(" before %s", turn.Outcome)
		}
		if e.Reason != "" {
			text += " " + e.Reason
		}
		all = append(all, text)
	}
	return all
}

func TestOutcomes(t *testing.T) {
	a, b, c := filter("f", "a"), filter("f", "b"), filter("f", "c")
	id := func(f *snapshot.Filter) string { return f.Revision.ID }
	look := func(wanted, stable *snapshot.Filter, ended api.RevisionOutcome) Facts {
		f := Facts{Wanted: id(wanted), Ended: ended, Reason: "because"}
		if stable != nil {
			f.Stable = id(stable)
		}
		return f
	}
	name := func(f *snapshot.Filter) string { return id(f)[:4] }
	book := New(10)
	want := func(what string, lines ...string) {
		t.Helper()
		if got := story(book, "f"); !slices.Equal(got, lines) {
			t.Errorf("%s:\ngot  %q\nwant %q", what, got, lines)
		}
	}
	book.Want(a, at(0))
	book.Look("f", look(a, nil, ""), at(1))
	want("the first", name(a)+" rolling_out 0-0")
	book.Look("f", look(a, a, ""), at(2))
	want("live", name(a)+" live 0-0")
	book.Want(b, at(10))
	book.Look("f", look(b, a, ""), at(11))
	want("an edit", name(b)+" rolling_out 10-0", name(a)+" live 0-0")
	book.Look("f", look(b, a, api.OutcomeRefused), at(12))
	want("a refusal", name(b)+" refused 10-12 because", name(a)+" live 0-0")
	if book.Look("f", look(b, a, api.OutcomeRefused), at(13)) {
		t.Error("the same facts change the record")
	}
	book.Look("f", look(b, a, ""), at(14))
	want("a retry", name(b)+" rolling_out 10-0", name(a)+" live 0-0")
	book.Look("f", look(b, b, ""), at(15))
	want("it loads", name(b)+" live 10-0", name(a)+" replaced 0-15")
	book.Want(c, at(20))
	book.Want(b, at(21))
	book.Look("f", look(b, b, ""), at(22))
	want("an edit and back", name(b)+" live 21-0 before live", name(c)+" superseded 20-22", name(a)+" replaced 0-15")
	book.Did("f", id(b), api.Action{At: at(30), Action: "rollback", By: "deploy"})
	book.Want(a, at(30))
	book.Look("f", look(a, a, ""), at(31))
	want("a rollback", name(a)+" live 30-0 before replaced", name(b)+" rolled_back 21-31 before live", name(c)+" superseded 20-22")
	if e := book.Entries("f"); e[0].Previous != id(b) || len(e[1].By) != 1 {
		t.Errorf("%+v", e)
	}
	book.Look("f", look(a, b, api.OutcomeUnhealthy), at(32))
	want("back after the promotion", name(a)+" unhealthy 30-32 before replaced because", name(b)+" live 21-0 before live", name(c)+" superseded 20-22")
	book.Forget("f")
	want("forgotten")
}

// The waves of a rollout that has ended early are those of before its Envoys went back. A rollout
// that a user or an edit ends has not failed.
func TestWavesOfTheEnd(t *testing.T) {
	rolling := func(live int) []api.RolloutWave {
		return []api.RolloutWave{{Name: "canary", Envoys: 2, Live: live, State: api.WaveSoaking, Since: at(1)}, {Name: "all", Envoys: 4, State: api.WaveWaiting}}
	}
	for _, tt := range []struct {
		ended api.RevisionOutcome
		want  string
	}{
		{api.OutcomeUnhealthy, "2/2 failed, 0/4 waiting"},
		{api.OutcomeRefused, "2/2 failed, 0/4 waiting"},
		{api.OutcomeAborted, "2/2 ended, 0/4 waiting"},
		{api.OutcomeSuperseded, "2/2 ended, 0/4 waiting"},
	} {
		a, b := filter("f", "a"), filter("f", "b")
		book := New(10)
		book.Want(a, at(0))
		book.Look("f", Facts{Wanted: a.Revision.ID, Waves: rolling(2)}, at(2))
		facts := Facts{Wanted: a.Revision.ID, Ended: tt.ended, Waves: rolling(0)}
		if tt.ended == api.OutcomeSuperseded {
			book.Want(b, at(3))
			facts = Facts{Wanted: b.Revision.ID, Waves: rolling(0)}
		}
		book.Look("f", facts, at(3))
		entries := book.Entries("f")
		var got []string
		for _, w := range entries[len(entries)-1].Waves {
			got = append(got, fmt.Sprintf("%d/%d %s", w.Live, w.Envoys, w.State))
		}
		if text := strings.Join(got, ", "); text != tt.want {
			t.Errorf("%s: %s, want %s", tt.ended, text, tt.want)
		}
	}
}

func TestTheBookIsBounded(t *testing.T) {
	b := New(3)
	for i := range 10 {
		f := filter("f", fmt.Sprint(i))
		b.Want(f, at(i))
		b.Describe("f", f.Revision.ID, Details{Text: strings.Repeat("x", 100)})
	}
	if got := b.Entries("f"); len(got) != 3 || b.bytes != 300 {
		t.Errorf("%d entries with %d bytes", len(got), b.bytes)
	}
	newest := b.Entries("f")[0].Revision
	for i := range 100 {
		b.Refuse("f", newest, api.Refusal{At: at(i), Node: fmt.Sprint(i), Message: strings.Repeat("é", 5000)})
		b.Did("f", newest, api.Action{At: at(i), Action: "pause"})
	}
	if e := b.Entries("f")[0]; len(e.Refusals) != mostRefusals || len(e.By) != mostDeeds || e.Refusals[0].Node != "99" || len(e.Refusals[0].Message) > mostMessage+3 {
		t.Errorf("%d refusals, %d actions", len(e.Refusals), len(e.By))
	}
	none := New(0)
	if none.Want(filter("f", "a"), at(0)) || none.Unsaved() {
		t.Error("a book without a limit keeps something")
	}
}

// A file has everything, and a book with a lower limit reads it.
func TestFiles(t *testing.T) {
	b := New(10)
	for i := range 300 {
		f := filter(fmt.Sprintf("f%d", i%100), fmt.Sprint(i))
		b.Want(f, at(i))
		b.Describe(f.Name, f.Revision.ID, Details{
			Text: textOf(f), Commit: &Commit{ID: "ab", File: "f", Dirty: true}, Imports: []string{"env.x"}, Cost: &api.ModuleCost{Requests: 3},
		})
	}
	b.Look("f1", Facts{Wanted: b.Entries("f1")[0].Revision, Waves: []api.RolloutWave{{Name: "all", Since: at(1)}}, Figures: []api.HealthComparison{{Name: "traps"}}}, at(400))
	files := map[int][]byte{}
	for n, file := range b.Files() {
		text, err := file.Encode()
		if err != nil {
			t.Fatal(err)
		}
		files[n] = text
	}
	if b.Unsaved() || len(files) > Shards {
		t.Errorf("%d files", len(files))
	}
	for _, limit := range []int{10, 2} {
		again := New(limit)
		for _, text := range files {
			if err := again.Read(text); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 100 {
			name := fmt.Sprintf("f%d", i)
			want, got := b.Entries(name), again.Entries(name)
			a, _ := json.Marshal(want[:min(limit, len(want))])
			b, _ := json.Marshal(got)
			if string(a) != string(b) {
				t.Fatalf("%s: got %s, want %s", name, b, a)
			}
		}
	}
	b.Failed(5)
	if got := b.Files(); len(got) != 1 || got[5] == nil {
		t.Errorf("after a failure: %d files", len(got))
	}
	// An edit writes one file.
	b.Want(filter("f1", "other"), at(500))
	if got := b.Files(); len(got) != 1 {
		t.Errorf("an edit writes %d files", len(got))
	}
	for _, text := range []string{"", "{", `{"format":2,"filters":{}}`} {
		if err := New(1).Read([]byte(text)); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}
