package snapshot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

func TestChanges(t *testing.T) {
	config := func(text string) func(*snapshot.Revision) {
		return func(r *snapshot.Revision) { r.Config = ptr(text) }
	}
	many := "{"
	for i := range 50 {
		many += fmt.Sprintf(`"k%02d":1,`, i)
	}
	for _, tt := range []struct {
		name     string
		from, to func(*snapshot.Revision)
		want     string
	}{
		{"nothing", full, full, ""},
		{"a key of the configuration", config(`{"realm":"a","n":1}`), config(`{"realm":"secret","n":1}`), "config.realm"},
		{"deeper, one comes and one goes", config(`{"a":{"b":1,"c":2},"d":1}`), config(`{"a":{"b":2,"c":2},"e":null}`), "config.a.b config.d config.e"},
		{"a list", config(`{"a":[1]}`), config(`{"a":[2]}`), "config.a"},
		{"no JSON", config("one"), config("two"), "config"},
		{"something after the JSON", config(`{"a":1}x`), config(`{"a":2}x`), "config"},
		{"order alone", config(`{"a":1,"b":2}`), config(`{"b":2,"a":1}`), "config"},
		{"how a number is written", config(`{"a":1}`), config(`{"a":1.0}`), "config.a"},
		{"a configuration comes", func(*snapshot.Revision) {}, config(""), "config"},
		{"module and environment", func(r *snapshot.Revision) { r.VM.Env = map[string]string{"A": "", "B": "1"} }, func(r *snapshot.Revision) {
			r.Module.SHA256, r.VM.Env = sumB, map[string]string{"B": "hunter2", "C": "3"}
		}, "module.sha256 vm.env.A vm.env.B vm.env.C"},
		{"more than is named", config("{}"), config(strings.TrimSuffix(many, ",") + "}"), "config.k00 … …"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			keys := snapshot.Changes(with(tt.from), with(tt.to))
			got := strings.Join(keys, " ")
			if strings.HasSuffix(tt.want, "… …") {
				if len(keys) != 21 || keys[0] != "config.k00" || keys[20] != "…" {
					t.Errorf("got %q", got)
				}
			} else if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	for _, c := range changes {
		if c.name == "plain" || c.name == "filter" || c.name == "built in" {
			continue
		}
		keys := snapshot.Changes(with(func(*snapshot.Revision) {}), with(c.change))
		if len(keys) == 0 || slices.Contains(keys, "") {
			t.Errorf("%s: changes %q", c.name, keys)
		}
	}
}
