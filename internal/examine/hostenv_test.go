package examine_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// The values of --host-env are in the filter's environment, and a failure then counts. Variables of
// wasm-xds itself are never there.
func TestHostEnvWithValues(t *testing.T) {
	const text = `vm: {env: {LOG: debug}, hostEnv: [OTHER, TOKEN]}
tests:
- name: token
  expect: {response: {headers: {x-env: test}}}
`
	t.Setenv("TOKEN", "test")
	module := testfilter.HTTP{EchoEnv: "TOKEN"}.Module()
	for _, tt := range []struct {
		name                 string
		values               map[string]string
		errors, warned, left int
	}{
		{"none", nil, 0, 1, 2},
		{"another's", map[string]string{"LOG": "info", "HOME": "/"}, 0, 1, 2},
		{"the wrong one's", map[string]string{"OTHER": "test"}, 0, 1, 1},
		{"the right one", map[string]string{"TOKEN": "test"}, 0, 0, 1},
		{"all", map[string]string{"TOKEN": "test", "OTHER": ""}, 0, 0, 0},
		{"a wrong value, with one unknown", map[string]string{"TOKEN": "no"}, 0, 1, 1},
		{"a wrong value", map[string]string{"TOKEN": "no", "OTHER": ""}, 1, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := decoded(t, text)
			before := decoded(t, text)
			tried := examine.WithHostEnv(s, tt.values)
			v := examine.Judge(t.Context(), nil, examine.Enforce, tried, examine.Module{Bytes: module}, nil)
			if len(v.Errors) != tt.errors || len(v.Warnings) != tt.warned || len(tried.VM.HostEnv) != tt.left {
				t.Errorf("%+v, without %v", v, tried.VM.HostEnv)
			}
			if diff := cmp.Diff(before.VM, s.VM); diff != "" {
				t.Errorf("the spec itself has changed: %s", diff)
			}
			if tried.VM.Env["LOG"] != "debug" {
				t.Errorf("vm.env is %v", tried.VM.Env)
			}
		})
	}
}
