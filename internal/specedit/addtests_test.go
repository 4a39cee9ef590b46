package specedit_test

import (
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/specedit"
)

// Tests get to the end of the spec's tests, in the style of the file, and nothing else changes.
func TestAddTests(t *testing.T) {
	const added = "- name: new\n  expect:\n    response:\n      status: 200\n"
	for name, tt := range map[string]struct{ text, want string }{
		"no tests": {
			"name: auth\nmodule: {file: a.wasm}\n# the end\n",
			"name: auth\nmodule: {file: a.wasm}\n" + "tests:\n" + added + "# the end\n",
		},
		"no end of the line": {"name: auth\nmodule: {file: a.wasm}", "name: auth\nmodule: {file: a.wasm}\ntests:\n" + added},
		"tests, and more fields": {
			"name: auth\nmodule: {file: a.wasm}\ntests: # mine\n- name: old # kept\n  expect: {upstream: none}\n\n# about the config\nconfig: x\n",
			"name: auth\nmodule: {file: a.wasm}\ntests: # mine\n- name: old # kept\n  expect: {upstream: none}\n" + added + "\n# about the config\nconfig: x\n",
		},
		"an indented list": {
			"name: auth\nmodule: {file: a.wasm}\ntests:\n  # mine\n  - name: old\n    expect: {upstream: none}\n",
			"name: auth\nmodule: {file: a.wasm}\ntests:\n  # mine\n  - name: old\n    expect: {upstream: none}\n" + "  " + strings.ReplaceAll(strings.TrimSuffix(added, "\n"), "\n", "\n  ") + "\n",
		},
		"several documents": {
			"name: a\nmodule: {file: a.wasm}\n---\nname: auth\nmodule: {file: a.wasm}\n---\nname: b\nmodule: {file: a.wasm}\n",
			"name: a\nmodule: {file: a.wasm}\n---\nname: auth\nmodule: {file: a.wasm}\ntests:\n" + added + "---\nname: b\nmodule: {file: a.wasm}\n",
		},
		"the flow style":    {"name: auth\nmodule: {file: a.wasm}\ntests: [{name: old, expect: {upstream: none}}]\n", ""},
		"a flow document":   {"{name: auth, module: {file: a.wasm}}\n", ""},
		"the name is taken": {"name: auth\nmodule: {file: a.wasm}\ntests:\n- name: new\n  expect: {upstream: none}\n", ""},
		"another spec":      {"name: b\nmodule: {file: a.wasm}\n", ""},
	} {
		got, err := specedit.AddTests([]byte(tt.text), "auth", []byte(added))
		if tt.want == "" && err == nil || tt.want != "" && string(got) != tt.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, tt.want)
		}
	}
}
