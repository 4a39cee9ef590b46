package resource

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// A shown resource has the keys of each configuration, and none of its values, in every variant.
func TestShow(t *testing.T) {
	text := func(s string) *string { return &s }
	object, err := spec.ConfigStruct.Encode(`{"realm": "hunter2-realm", "keys": ["hunter2-key"], "port": 8123457}`)
	if err != nil {
		t.Fatal(err)
	}
	at := Addresses{ModulesURL: "https://control:18001/", ModulesCluster: "wasm_xds_modules", ModulesDir: "/modules"}
	sum := strings.Repeat("ab", 32)
	for name, tt := range map[string]struct {
		config  string
		as      spec.ConfigType
		variant snapshot.Variant
		want    []string
	}{
		"JSON, remote":  {`{"realm": "hunter2-realm", "nested": {"key": "hunter2-key"}, "port": 8123457}`, "", snapshot.Remote, []string{`realm`, `nested`, "https://control:18001/modules/" + sum + ".wasm", "wasm_xds_modules"}},
		"text, inline":  {"token=hunter2-key", "", snapshot.Inline, []string{`…`, "<86154 bytes with sha256 " + sum + ">"}},
		"Struct, file":  {object, spec.ConfigStruct, snapshot.File, []string{`realm`, `keys`, "/modules/" + sum + ".wasm", "google.protobuf.Struct"}},
		"bytes, remote": {"\xff\x00hunter2-key", spec.ConfigBytes, snapshot.Remote, []string{"google.protobuf.BytesValue"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := (&snapshot.Revision{
				Filter: "auth", Type: spec.HTTP, Module: snapshot.Module{SHA256: sum, Size: 86154}, Config: text(tt.config), ConfigType: tt.as, Policy: spec.Closed,
				VM: snapshot.VM{Runtime: "envoy.wasm.runtime.v8", Config: text("hunter2-vm"), Env: map[string]string{"TOKEN": "hunter2-env"}, HostEnv: []string{"HOME"}},
			}).Seal()
			before, _ := json.Marshal(r)
			got, err := Show(r, tt.variant, "1.40.0", at)
			if err != nil {
				t.Fatal(err)
			}
			shown := fmt.Sprint(got)
			for _, want := range append(tt.want, "auth", "TOKEN", "HOME", "FAIL_CLOSED") {
				if !strings.Contains(shown, want) {
					t.Errorf("%q is not in %s", want, shown)
				}
			}
			for _, secret := range []string{"hunter2", "8123457", "8.123457e", "aHVudGVyM"} {
				if strings.Contains(shown, secret) {
					t.Errorf("%q is in %s", secret, shown)
				}
			}
			if after, _ := json.Marshal(r); string(after) != string(before) {
				t.Errorf("the revision was changed to %s", after)
			}
		})
	}
}

// A shown service is the entry of bootstrap_extensions, without the values of its configuration.
func TestShowService(t *testing.T) {
	config := "hunter2"
	r := (&snapshot.Revision{
		Filter: "traffic", Type: spec.Service, Module: snapshot.Module{SHA256: strings.Repeat("ab", 32), Size: 8}, Config: &config, Policy: spec.Closed,
		VM: snapshot.VM{ID: "traffic", Runtime: "envoy.wasm.runtime.v8"},
	}).Seal()
	got, err := Show(r, snapshot.Inline, "1.40.0", Addresses{})
	if err != nil {
		t.Fatal(err)
	}
	shown := fmt.Sprint(got)
	for _, want := range []string{"envoy.bootstrap.wasm", "WasmService", "singleton:true", "vm_id:traffic"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not in %s", want, shown)
		}
	}
	if strings.Contains(shown, config) {
		t.Errorf("the configuration is in %s", shown)
	}
}
