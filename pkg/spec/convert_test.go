package spec_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// TestConvert converts each foreign document of testdata, and compares the native specs with the
// golden files. Each native spec without an open decision means the same as the document.
func TestConvert(t *testing.T) {
	archives, err := filepath.Glob("testdata/foreign-*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "convert", strings.TrimPrefix(filepath.Base(path), "foreign-"))
			got := &txtar.Archive{}
			for _, f := range archive.Files {
				if strings.HasSuffix(f.Name, ".yaml") {
					got.Files = append(got.Files, txtar.File{Name: f.Name, Data: []byte(converted(t, "/specs/"+f.Name, f.Data))})
				}
			}
			text := txtar.Format(got)
			if *update {
				if err := os.WriteFile(golden, text, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(text)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// converted returns the native specs and the errors of a document.
func converted(t *testing.T, file string, text []byte) string {
	t.Helper()
	natives, errs, _ := spec.Convert(file, text)
	var b strings.Builder
	for _, e := range errs {
		fmt.Fprintf(&b, "error: %s\n", e)
	}
	var parts []string
	for _, one := range natives {
		parts = append(parts, one.Text)
	}
	joined := strings.Join(parts, "---\n")
	checkMeaning(t, file, text, joined)
	return b.String() + joined
}

// checkMeaning compares the specs of a foreign document with those of its conversion.
func checkMeaning(t *testing.T, file string, text []byte, native string) {
	t.Helper()
	want, errs, _ := spec.Decode(file, text)
	if len(errs) > 0 || len(want) == 0 {
		return // an error, or an open decision
	}
	got, errs, _ := spec.Decode(file, []byte(native))
	meanings := map[string][]string{}
	for _, s := range got {
		meanings[s.Name] = append(meanings[s.Name], meaningOf(t, s))
	}
	for _, s := range want {
		if strings.Contains(string(text), "\nmodule:") {
			continue // a native spec, which is not converted
		}
		converted := ""
		if all := meanings[s.Name]; len(all) > 0 {
			converted, meanings[s.Name] = all[0], all[1:]
		}
		if diff := cmp.Diff(meaningOf(t, s), converted); diff != "" {
			t.Errorf("%s: the conversion of %s means something else (%v):\n%s\n%s", file, s.Name, errs, diff, native)
		}
	}
}

// meaningOf is a spec without its places and notes.
func meaningOf(t *testing.T, s *spec.Spec) string {
	t.Helper()
	one := *s
	one.File, one.Line, one.Notes, one.Part = "", 0, nil, false
	text, err := json.Marshal(one)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	dropPlaces(value)
	text, err = json.MarshalIndent(value, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func dropPlaces(value any) {
	switch value := value.(type) {
	case map[string]any:
		delete(value, "Pos")
		delete(value, "ConfigPos")
		for _, inner := range value {
			dropPlaces(inner)
		}
	case []any:
		for _, inner := range value {
			dropPlaces(inner)
		}
	}
}

// FuzzConvert: a document that decodes converts into specs that decode to the same.
func FuzzConvert(f *testing.F) {
	addDocuments(f, "testdata/foreign-*.txtar")
	f.Fuzz(func(t *testing.T, text []byte) {
		natives, _, _ := spec.Convert("/specs/a.yaml", text)
		if specs, errs, _ := spec.Decode("/specs/a.yaml", text); len(errs) > 0 || len(specs) != len(natives) {
			return
		}
		var parts []string
		for _, one := range natives {
			parts = append(parts, one.Text)
		}
		checkMeaning(t, "/specs/a.yaml", text, strings.Join(parts, "---\n"))
	})
}
