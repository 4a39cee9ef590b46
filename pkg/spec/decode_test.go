package spec_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

var update = flag.Bool("update", false, "rewrite the golden parts of testdata, and remove those without a source")

// TestDecode decodes each name.yaml of the archives in testdata and compares the result with
// name.golden beside it.
func TestDecode(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			golden := map[string]string{}
			for _, f := range archive.Files {
				golden[f.Name] = string(f.Data)
			}
			updated := &txtar.Archive{Comment: archive.Comment}
			for _, f := range archive.Files {
				name, isSource := strings.CutSuffix(f.Name, ".yaml")
				if !isSource {
					if _, ok := golden[strings.TrimSuffix(f.Name, ".golden")+".yaml"]; !ok && !*update {
						t.Errorf("%s has no source; run with -update", f.Name)
					}
					continue
				}
				got := outcome(t, "/specs/"+f.Name, f.Data)
				updated.Files = append(updated.Files, f, txtar.File{Name: name + ".golden", Data: []byte(got)})
				if *update {
					continue
				}
				t.Run(name, func(t *testing.T) {
					if diff := cmp.Diff(golden[name+".golden"], got); diff != "" {
						t.Errorf("-want +got:\n%s", diff)
					}
				})
			}
			if *update {
				if err := os.WriteFile(path, txtar.Format(updated), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// outcome returns the result of Decode in readable form: errors with their positions, and specs
// without zero fields.
func outcome(t *testing.T, file string, text []byte) string {
	t.Helper()
	specs, errs, broken := spec.Decode(file, text)
	var b strings.Builder
	if broken {
		b.WriteString("broken\n")
	}
	lines := strings.Split(string(text), "\n")
	for _, e := range errs {
		if e.Pos.File != file {
			t.Errorf("an error of another file: %v", e)
		}
		fmt.Fprintf(&b, "%d:%d %s", e.Pos.Line, e.Pos.Column, e.Code)
		if e.Name != "" {
			fmt.Fprintf(&b, " (%s)", e.Name)
		}
		fmt.Fprintf(&b, "\n  %s\n", e.Message)
		if e.Hint != "" {
			fmt.Fprintf(&b, "  > %s\n", e.Hint)
		}
		fmt.Fprintf(&b, "  | %.90s\n  | %s^\n", lines[e.Pos.Line-1], strings.Repeat(" ", min(e.Pos.Column-1, 90)))
	}
	for _, s := range specs {
		b.WriteString(describe(t, s))
	}
	return b.String()
}

// describe returns a line for each non-zero field of s.
func describe(t *testing.T, s *spec.Spec) string {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	prune(fields)
	var b strings.Builder
	fmt.Fprintf(&b, "ok %s\n", s.Name)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		value, err := json.Marshal(fields[name])
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := fields[name].(string); ok && !strings.Contains(text, "\n") {
			value = []byte(text)
		}
		if name != "Name" && name != "File" {
			fmt.Fprintf(&b, "  %s: %s\n", name, value)
		}
	}
	return b.String()
}

// prune removes zero fields and positions.
func prune(fields map[string]any) {
	for name, value := range fields {
		switch value := value.(type) {
		case nil:
			delete(fields, name)
		case bool:
			if !value && name != "AllowOnHeadersStopIteration" && name != "Closed" {
				delete(fields, name)
			}
		case float64:
			if value == 0 {
				delete(fields, name)
			}
		case string:
			if value == "" && name != "Config" && !strings.HasPrefix(name, "To") {
				delete(fields, name)
			}
		case []any:
			for _, item := range value {
				if fields, ok := item.(map[string]any); ok {
					prune(fields)
				}
			}
		case map[string]any:
			if prune(value); len(value) == 0 || name == "Pos" || name == "ConfigPos" {
				delete(fields, name)
			}
		}
	}
}
