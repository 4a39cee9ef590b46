package project_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/kit/project"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dirWith makes a directory with files, as in "src/a.cc" or "package.json={}".
func dirWith(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range files {
		name, text, _ := strings.Cut(file, "=")
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFind(t *testing.T) {
	for _, tt := range []struct {
		files             string
		language, command string
		code              string // of the error
	}{
		{files: "go.mod main.go", language: "go"},
		{files: "Cargo.toml", language: "rust"},
		{files: "asconfig.json assembly/index.ts", language: "assemblyscript"},
		{files: `package.json={"devDependencies":{"assemblyscript":"1"}}`, language: "assemblyscript"},
		{files: `package.json={"scripts":{"build":"make"}}`, language: "assemblyscript", command: "make"},
		{files: `package.json={"scripts":{"test":"x"}} go.mod`, language: "go"},
		{files: "filter.cc proxywasm.h", language: "cpp"},
		{files: "src/filter.cpp", language: "cpp"},
		{files: "src/main.zig", language: "zig"},
		{files: "build.zig", language: "zig"},
		{files: "README.md", code: project.CodeNoProject},
		{files: "go.mod Cargo.toml", code: project.CodeAmbiguous},
		{files: "package.json={", code: project.CodeNoProject},
	} {
		language, command, err := project.Find(dirWith(t, strings.Fields(tt.files)...))
		var problem *spec.Error
		switch {
		case tt.code != "" && (!errors.As(err, &problem) || problem.Code != tt.code):
			t.Errorf("%s: %v", tt.files, err)
		case tt.code == "" && (err != nil || string(language) != tt.language || command != tt.command):
			t.Errorf("%s: %s, %q, %v", tt.files, language, command, err)
		}
	}
}

func specsOf(t *testing.T, dir string, documents ...string) (all []*spec.Spec) {
	t.Helper()
	for i, text := range documents {
		specs, problems, _ := spec.Decode(filepath.Join(dir, string(rune('a'+i))+".yaml"), []byte(text))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		all = append(all, specs...)
	}
	return all
}

func TestTargets(t *testing.T) {
	for _, tt := range []struct {
		name  string
		specs []string
		want  int // targets
		code  string
	}{
		{"one", []string{"module: {file: build/f.wasm}"}, 1, ""},
		{"two specs of one module", []string{"module: {file: f.wasm}", "module: {file: ./f.wasm}"}, 1, ""},
		{"two commands", []string{"{build: make a, module: {file: a.wasm}}", "{build: make b, module: {file: b.wasm}}"}, 2, ""},
		{"a command and the language", []string{"{build: make a, module: {file: a.wasm}}", "module: {file: b.wasm}"}, 2, ""},
		{"two modules of the language", []string{"module: {file: a.wasm}", "module: {file: b.wasm}"}, 0, project.CodeAmbiguous},
		{"two commands of one module", []string{"{build: make a, module: {file: a.wasm}}", "{build: make b, module: {file: a.wasm}}"}, 0, project.CodeAmbiguous},
		{"a module from elsewhere", []string{"module: {oci: 'example.com/a:1'}"}, 0, project.CodeNoProject},
		{"no spec", nil, 0, project.CodeNoProject},
	} {
		dir := dirWith(t, "go.mod")
		targets, err := project.Targets(dir, specsOf(t, dir, tt.specs...))
		var problem *spec.Error
		if tt.code != "" && (!errors.As(err, &problem) || problem.Code != tt.code || problem.Hint == "") {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.code == "" && (err != nil || len(targets) != tt.want) {
			t.Errorf("%s: %+v, %v", tt.name, targets, err)
		}
	}
}

const wasm = `{"@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm, config: {vm_config: {code: {local: {filename: a.wasm}}}}}`

// YAML of other programs is no broken spec.
func TestDecodeLeavesOtherFiles(t *testing.T) {
	for text, want := range map[string]int{
		"services: {web: {image: x}}": 0, "a: [": 0, "module: {file: a.wasm}": 1, "{name: a, module: {file: b.wasm}}": 1,
		"version: 2\n# the module: see below\n": 0,
		"apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: {name: a}\nspec: {url: \"file:///a.wasm\"}\n":                                             1,
		"apiVersion: v1\nkind: List\nitems:\n- kind: WasmPlugin\n  apiVersion: extensions.istio.io/v1alpha1\n  metadata: {name: a}\n  spec: {url: \"file:///a.wasm\"}\n": 1,
		"apiVersion: v1\nkind: ConfigMap\n":                                             0,
		"apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nspec: {}\n":       0,
		"name: a\ntyped_config: " + wasm:                                                1,
		"static_resources: {listeners: [{filter_chains: [{filters: [" + wasm + "]}]}]}": 0,
	} {
		specs, problems, _ := project.Decode("compose.yaml", []byte(text))
		if len(specs) != want || len(problems) > 0 {
			t.Errorf("%q: %d specs, %v", text, len(specs), problems)
		}
	}
	if _, problems, _ := project.Decode("a.yaml", []byte("module: {fil: a.wasm}")); len(problems) == 0 {
		t.Error("a broken spec has no problem")
	}
}
