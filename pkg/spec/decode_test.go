package spec_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

var update = flag.Bool("update", false, "rewrite the golden parts of testdata, and remove those without a source")

// TestDecode decodes each name.yaml of the archives in testdata and compares what
// comes out with name.golden beside it.
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

// outcome is what Decode makes of a file, for people to read: errors with the
// place that they point at, specs without what is zero.
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
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var fields any
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatal(err)
		}
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(pruned(fields)); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// pruned is v without zero values and positions.
func pruned(v any) any {
	fields, ok := v.(map[string]any)
	if !ok {
		return v
	}
	for key, value := range fields {
		switch value := value.(type) {
		case nil:
			delete(fields, key)
		case bool:
			if !value && key != "AllowOnHeadersStopIteration" {
				delete(fields, key)
			}
		case float64:
			if value == 0 {
				delete(fields, key)
			}
		case string:
			if value == "" && key != "Config" {
				delete(fields, key)
			}
		case map[string]any:
			if key == "Pos" {
				delete(fields, key)
			} else if pruned(value); len(value) == 0 {
				delete(fields, key)
			}
		}
	}
	return fields
}
