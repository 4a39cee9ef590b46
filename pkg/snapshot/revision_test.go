package snapshot_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const (
	sumA = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	sumB = "486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7"
)

// with returns a sealed plain revision with one change.
func with(change func(*snapshot.Revision)) *snapshot.Revision {
	r := &snapshot.Revision{
		Filter: "auth",
		Type:   spec.HTTP,
		Module: snapshot.Module{SHA256: sumA, Size: 5},
		Policy: spec.Closed,
		VM:     snapshot.VM{Runtime: "envoy.wasm.runtime.v8"},
	}
	change(r)
	return r.Seal()
}

// full sets every field that existed when the ID of full was recorded.
func full(r *snapshot.Revision) {
	r.RootID = "auth_root"
	r.Config = ptr(`{"realm":"<prod> & more"}`)
	r.Policy, r.Backoff = spec.Reload, time.Second
	r.AllowOnHeadersStopIteration = ptr(false)
	r.Capabilities = []string{"fd_write", "proxy_log"}
	r.VM = snapshot.VM{
		ID: "shared", Runtime: "envoy.wasm.runtime.wamr", Config: ptr("vm"),
		Env: map[string]string{"A": "1", "B": "2"}, HostEnv: []string{"HOME", "TZ"}, AllowPrecompiled: true,
	}
	r.BuiltIn, r.Code = true, []byte("\x00asm")
	r.Module.Reference, r.Module.Digest, r.Module.RootID = "ghcr.io/team/auth:v1", "sha256:"+sumA, "auth_root"
	r.Refusals = []snapshot.Refusal{{Versions: []string{"1.36"}, Code: "import_missing", Message: "needs Envoy 1.37 or later"}}
}

// fuller also sets the fields that are newer than the ID of full.
func fuller(r *snapshot.Revision) {
	full(r)
	r.ConfigType, r.VM.ConfigType = spec.ConfigBytes, spec.ConfigStruct
}

// changes has one edit for each part of a revision. The IDs are in the state directory and in every
// Envoy, so they must never change. A release that changes an ID makes every Envoy load every
// filter again.
var changes = []struct {
	name   string
	id     string
	change func(*snapshot.Revision)
}{
	{"plain", "98152e4c6168", func(*snapshot.Revision) {}},
	{"full", "65b6be6970ea", full},
	{"fuller", "37943e40e1b1", fuller},
	{"filter", "516d135d4a7d", func(r *snapshot.Revision) { r.Filter = "other" }},
	{"type", "3ccdff9758f6", func(r *snapshot.Revision) { r.Type = spec.Network }},
	{"module", "7a7bb1489bfa", func(r *snapshot.Revision) { r.Module.SHA256 = sumB }},
	{"rootId", "557e701fb892", func(r *snapshot.Revision) { r.RootID = "root" }},
	{"config", "dd677c5032a5", func(r *snapshot.Revision) { r.Config = ptr("a") }},
	{"empty config", "a27acbe68777", func(r *snapshot.Revision) { r.Config = ptr("") }},
	{"config as bytes", "bf023d59b7c6", func(r *snapshot.Revision) { r.Config, r.ConfigType = ptr("a"), spec.ConfigBytes }},
	{"config that is no text", "04cd12ac8905", func(r *snapshot.Revision) { r.Config, r.ConfigType = ptr("\xff"), spec.ConfigBytes }},
	{"another that is none", "60630c2c1aff", func(r *snapshot.Revision) { r.Config, r.ConfigType = ptr("\xfe"), spec.ConfigBytes }},
	{"config as struct", "81bc0c1869ad", func(r *snapshot.Revision) { r.Config, r.ConfigType = ptr("a"), spec.ConfigStruct }},
	{"open", "5929b9abfb55", func(r *snapshot.Revision) { r.Policy = spec.Open }},
	{"reload", "d8fcfeedcd82", func(r *snapshot.Revision) { r.Policy = spec.Reload }},
	{"backoff", "336e4da7ade3", func(r *snapshot.Revision) { r.Backoff = time.Second }},
	{"stop iteration", "23d509852b7c", func(r *snapshot.Revision) { r.AllowOnHeadersStopIteration = ptr(true) }},
	{"no stop iteration", "d8420c6fe488", func(r *snapshot.Revision) { r.AllowOnHeadersStopIteration = ptr(false) }},
	{"capabilities", "2b52ad537bd6", func(r *snapshot.Revision) { r.Capabilities = []string{"proxy_log"} }},
	{"no capabilities", "48b1c9d1f9c1", func(r *snapshot.Revision) { r.Capabilities = []string{} }},
	{"vm.id", "4813d004386f", func(r *snapshot.Revision) { r.VM.ID = "shared" }},
	{"vm.runtime", "e3cd8372712a", func(r *snapshot.Revision) { r.VM.Runtime = "envoy.wasm.runtime.wasmtime" }},
	{"vm.config", "b8ff750d1208", func(r *snapshot.Revision) { r.VM.Config = ptr("a") }},
	{"vm.config as bytes", "e14d327ca7e9", func(r *snapshot.Revision) { r.VM.Config, r.VM.ConfigType = ptr("\xff"), spec.ConfigBytes }},
	{"vm.env", "fed259fab9a7", func(r *snapshot.Revision) { r.VM.Env = map[string]string{"A": "1"} }},
	{"vm.hostEnv", "8ed6b2e00450", func(r *snapshot.Revision) { r.VM.HostEnv = []string{"A"} }},
	{"vm.allowPrecompiled", "0454128604c5", func(r *snapshot.Revision) { r.VM.AllowPrecompiled = true }},
	{"built in", "834b984087f4", func(r *snapshot.Revision) { r.BuiltIn = true }},
}

func TestIDsHoldForEver(t *testing.T) {
	for _, c := range changes {
		if got := with(c.change).ID; got != c.id {
			t.Errorf("%s: ID %s, was %s", c.name, got, c.id)
		}
	}
}

func TestEveryChangeIsAnotherRevision(t *testing.T) {
	seen := map[string]string{}
	for _, c := range changes {
		id := with(c.change).ID
		if !regexp.MustCompile(`^[0-9a-f]{12}$`).MatchString(id) {
			t.Errorf("%s: ID %q is not 12 hex digits", c.name, id)
		}
		if other, ok := seen[id]; ok {
			t.Errorf("%s and %s are one revision", c.name, other)
		}
		seen[id] = c.name
	}
}

// TestEveryFieldIsInTheTable finds fields of a revision that the table above lacks: fuller must set
// every field.
func TestEveryFieldIsInTheTable(t *testing.T) {
	r := with(fuller)
	for _, part := range []any{*r, r.Module, r.VM} {
		v := reflect.ValueOf(part)
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("%s.%s is not set", v.Type(), v.Type().Field(i).Name)
			}
		}
	}
}

func TestWhatMakesNoRevision(t *testing.T) {
	plain := with(func(*snapshot.Revision) {})
	if got := with(func(r *snapshot.Revision) { r.Module.Size = 6 }); got.ID != plain.ID {
		t.Error("the module's size, which its sha256 implies, makes another revision")
	}
	if got := with(func(r *snapshot.Revision) {
		r.Module.Reference, r.Module.Digest = "ghcr.io/team/auth:v1", "sha256:"+sumA
	}); got.ID != plain.ID {
		t.Error("where a module comes from makes another revision")
	}
	if got := with(func(r *snapshot.Revision) { r.Refusals = []snapshot.Refusal{{Versions: []string{"1.36"}}} }); got.ID != plain.ID {
		t.Error("what a sandbox says of it makes another revision")
	}
	if got := with(func(r *snapshot.Revision) { r.ID = "000000000000" }); got.ID != plain.ID {
		t.Error("the ID that was there before makes another revision")
	}
	if got := with(func(r *snapshot.Revision) { r.VM.Env = map[string]string{} }); got.ID != plain.ID {
		t.Error("an empty environment makes another revision than none")
	}
}

func TestOrderOfMapKeysMakesNoRevision(t *testing.T) {
	env, reverse := map[string]string{}, map[string]string{}
	for i := range 50 {
		env[fmt.Sprint(i)], reverse[fmt.Sprint(49-i)] = "x", "x"
	}
	first := with(func(r *snapshot.Revision) { r.VM.Env = env })
	for _, m := range []map[string]string{reverse, maps.Clone(env)} {
		if got := with(func(r *snapshot.Revision) { r.VM.Env = m }); got.ID != first.ID {
			t.Errorf("ID %s, before %s", got.ID, first.ID)
		}
	}
}

func TestFromSpec(t *testing.T) {
	s := &spec.Spec{
		Name: "auth", Type: spec.HTTP, RootID: "auth_root", Policy: spec.Reload, ReloadBackoff: time.Second,
		AllowOnHeadersStopIteration: ptr(false), Capabilities: []string{"fd_write", "proxy_log"},
		VM: spec.VM{
			ID: "shared", Runtime: "envoy.wasm.runtime.wamr", Config: ptr("vm"),
			Env: map[string]string{"A": "1", "B": "2"}, HostEnv: []string{"HOME", "TZ"}, AllowPrecompiled: true,
		},
		// These fields do not reach an Envoy, so they are not in the revision.
		File: "auth.yaml", Line: 3, Delivery: spec.Inline, Disabled: true, OnRemove: spec.Deny,
		Canary: spec.Canary{Count: 1}, Nodes: spec.NodeSelector{IDs: []string{"edge"}}, Limits: spec.Limits{Memory: 1 << 20},
	}
	want := with(func(r *snapshot.Revision) { full(r); r.BuiltIn, r.Code, r.Refusals = false, nil, nil })
	got := snapshot.FromSpec(s, want.Module, ptr(`{"realm":"<prod> & more"}`))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// A revision survives a round trip through JSON with any bytes in its configuration.
func TestRevisionAsJSON(t *testing.T) {
	for _, c := range changes {
		r := with(c.change)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var got snapshot.Revision
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		r.Module.RootID, r.Code = "", nil // these fields are not stored
		if !reflect.DeepEqual(&got, r) {
			t.Errorf("%s: got %+v\nfrom %s", c.name, got, text)
		}
		if again := got.ID; got.Seal().ID != again {
			t.Errorf("%s: what comes back has another ID", c.name)
		}
	}
}

// A spec without a type, or with the default type, gives the same revision as before the
// introduction of types.
func TestConfigTypesOfSpecs(t *testing.T) {
	before := with(func(r *snapshot.Revision) { r.Config = ptr("a") })
	for _, tt := range []struct {
		as     spec.ConfigType
		config string
		want   spec.ConfigType
	}{
		{"", "a", ""},
		{spec.ConfigString, "a", ""},
		{"", "\xff", spec.ConfigBytes},
		{spec.ConfigBytes, "a", spec.ConfigBytes},
		{spec.ConfigStruct, "\n", spec.ConfigStruct},
	} {
		s := &spec.Spec{
			Name: "auth", Type: spec.HTTP, Policy: spec.Closed, ConfigType: tt.as,
			VM: spec.VM{Runtime: "envoy.wasm.runtime.v8", ConfigType: tt.as},
		}
		r := snapshot.FromSpec(s, snapshot.Module{SHA256: sumA, Size: 5}, &tt.config)
		if r.ConfigType != tt.want || r.VM.ConfigType != "" {
			t.Errorf("%q of %q: %q, and %q without a configuration of the VM", tt.as, tt.config, r.ConfigType, r.VM.ConfigType)
		}
		if same := r.ID == before.ID; same != (tt.want == "") {
			t.Errorf("%q of %q: the same revision: %t", tt.as, tt.config, same)
		}
	}
}

func ptr[T any](v T) *T { return &v }
