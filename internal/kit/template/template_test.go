package template_test

import (
	"go/format"
	"path"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/kit/template"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	mostLines   = 88  // of a filter: people are to read it at once
	mostColumns = 100 // of any line, but for tables
	screen      = 60  // lines of a README
)

// Each project is complete, has its name everywhere, and is short enough to be read. That it builds
// and works is a test of the tests on real Envoys.
func TestEachProject(t *testing.T) {
	for _, language := range template.Languages() {
		for _, kind := range template.Kinds() {
			t.Run(language+"/"+kind.Type+"/"+kind.From, func(t *testing.T) {
				files, err := template.Files(template.Options{Name: "edge_auth", Language: language, Kind: kind})
				if err != nil {
					t.Fatal(err)
				}
				for _, want := range []string{".gitignore", "README.md", "edge_auth.yaml"} {
					if !slices.ContainsFunc(files, func(f template.File) bool { return f.Path == want }) {
						t.Errorf("there is no %s", want)
					}
				}
				for _, f := range files {
					check(t, f, kind)
				}
			})
		}
	}
}

func check(t *testing.T, f template.File, kind template.Kind) {
	t.Helper()
	text := string(f.Text)
	if lower := strings.ToLower(text); strings.Contains(lower, "my-filter") || strings.Contains(lower, "schema-url") {
		t.Errorf("%s has a placeholder", f.Path)
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if len([]rune(line)) > mostColumns && path.Dir(f.Path) != "proxywasm" && !strings.HasPrefix(line, "|") && path.Base(f.Path) != "package-lock.json" && f.Path != "README.md" {
			t.Errorf("%s:%d has %d columns", f.Path, i+1, len(line))
		}
	}
	switch path.Ext(f.Path) {
	case ".go":
		if got, err := format.Source(f.Text); err != nil || string(got) != text {
			t.Errorf("%s is not formatted: %v", f.Path, err)
		}
	case ".yaml":
		specs, problems, _ := spec.Decode(f.Path, f.Text)
		if len(problems) > 0 || len(specs) != 1 || string(specs[0].Type) != kind.Type || len(specs[0].Tests) == 0 {
			t.Errorf("%s: %v", f.Path, problems)
		}
		if !strings.HasPrefix(text, "# yaml-language-server: $schema=http") {
			t.Errorf("%s has no line for editors", f.Path)
		}
	case ".md":
		if len(lines) > screen {
			t.Errorf("%s has %d lines", f.Path, len(lines))
		}
	}
	switch path.Base(f.Path) {
	case "main.go", "lib.rs", "index.ts", "filter.cc", "filter.zig":
		if len(lines) > mostLines+1 {
			t.Errorf("%s has %d lines", f.Path, len(lines))
		}
	}
}

func TestCombinations(t *testing.T) {
	for _, tt := range []struct{ kind, from, want string }{
		{"", "", "http headers"},
		{"http", "", "http headers"},
		{"network", "", "network logger"},
		{"", "auth", "http auth"},
		{"", "logger", "http logger"},
		{"network", "logger", "network logger"},
		{"network", "auth", ""},
		{"http", "tarpit", ""},
	} {
		k, err := template.FindKind(tt.kind, tt.from)
		switch {
		case tt.want == "" && (err == nil || !strings.Contains(err.Error(), "--type network --from logger")):
			t.Errorf("%+v: %v", tt, err)
		case tt.want != "" && (err != nil || k.Type+" "+k.From != tt.want):
			t.Errorf("%+v: %+v, %v", tt, k, err)
		}
	}
}

func TestNames(t *testing.T) {
	for name, good := range map[string]bool{
		"auth": true, "edge_auth": true, "a1-b2": true, "": false, "Auth": false, "1a": false, "a--b": false, "a/b": false,
		"a.b": false, "-a": false, "a b": false, "ä": false, strings.Repeat("a", 61): false,
	} {
		if err := template.CheckName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}
