package spec_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// addDocuments seeds a fuzz test with the documents of archives.
func addDocuments(f *testing.F, pattern string) {
	f.Helper()
	archives, err := filepath.Glob(pattern)
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if strings.HasSuffix(file.Name, ".yaml") {
				f.Add(file.Data)
			}
		}
	}
}

// FuzzDecode: whatever the text, Decode returns, says the same twice, and every
// error has a code, a message and a place in the file.
func FuzzDecode(f *testing.F) {
	addDocuments(f, "testdata/*.txtar")
	f.Fuzz(func(t *testing.T, text []byte) {
		const file = "/specs/a.yaml"
		specs, errs, broken := spec.Decode(file, text)
		again, errsAgain, brokenAgain := spec.Decode(file, text)
		if diff := cmp.Diff(specs, again); diff != "" || broken != brokenAgain || cmp.Diff(errs, errsAgain) != "" {
			t.Errorf("decoded in two ways: %s", diff)
		}
		if broken && (len(specs) > 0 || len(errs) == 0) {
			t.Errorf("broken, with %d specs and %d errors", len(specs), len(errs))
		}
		lines := strings.Count(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(text)), "\n") + 1
		for _, e := range errs {
			if e.Code == "" || e.Message == "" || !utf8.ValidString(e.Error()) {
				t.Errorf("a poor error: %+v", e)
			}
			if e.Pos.File != file || e.Pos.Line < 1 || e.Pos.Line > lines || e.Pos.Column < 1 {
				t.Errorf("an error outside the file: %+v", e)
			}
		}
		for _, s := range specs {
			checkSpec(t, s)
		}
	})
}

// checkSpec checks the properties on which all users of the decoder rely.
func checkSpec(t *testing.T, s *spec.Spec) {
	t.Helper()
	if s.Name == "" || s.Type == "" || s.Policy == "" || s.OnRemove == "" || s.VM.Runtime == "" || s.Line < 1 {
		t.Errorf("a default is missing: %+v", s)
	}
	references := 0
	for _, there := range []bool{s.Module.File != nil, s.Module.URL != "", s.Module.OCI.Registry != ""} {
		if there {
			references++
		}
	}
	if references != 1 {
		t.Errorf("not exactly one module: %+v", s.Module)
	}
	if s.Module.URL != "" && len(s.Module.SHA256) != 64 {
		t.Errorf("a URL without a digest")
	}
	if s.Module.File != nil && !filepath.IsAbs(s.Module.File.Path) {
		t.Errorf("a relative path: %+v", s.Module.File)
	}
	for _, test := range s.Tests {
		if test.Name == "" || len(test.Steps) == 0 {
			t.Errorf("a poor test: %+v", test)
		}
		for _, step := range test.Steps {
			if (step.HTTP == nil) == (s.Type == spec.HTTP) || (step.Connection == nil) == (s.Type == spec.Network) {
				t.Errorf("a step of another type than the filter: %+v", step)
			}
		}
	}
	if s.Config != nil && s.ConfigFrom != nil {
		t.Errorf("two configurations")
	}
	if (s.ReloadBackoff > 0) != (s.Policy == spec.Reload) {
		t.Errorf("policy %s with backoff %s", s.Policy, s.ReloadBackoff)
	}
	for _, c := range []struct {
		text *string
		as   spec.ConfigType
	}{{s.Config, s.ConfigType}, {s.VM.Config, s.VM.ConfigType}} {
		text := c.as == "" || c.as == spec.ConfigString
		if c.text != nil && text && !utf8.ValidString(*c.text) {
			t.Errorf("a configuration that is not UTF-8: %q", *c.text)
		}
	}
	if _, err := json.Marshal(s); err != nil {
		t.Error(err)
	}
}

// FuzzConfig: a configuration that is valid JSON comes out of a spec as that JSON,
// compact: YAML is nearly a superset of JSON, and number literals are kept.
func FuzzConfig(f *testing.F) {
	for _, text := range []string{
		`{"a": [1, 2.50, 1e3, -0, {"b": null}], "c": "d\n\"é😀"}`, `[]`, `[true, false, "yes", "01"]`,
		`{"<<": {"a": 1}}`, `{"a b": "c: d", "#": "x # y", "": ""}`, `{"a":1,"b":{"a":"*x","c":"&y !z"}}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, config string) {
		if !json.Valid([]byte(config)) || strings.ContainsAny(config, "\t\r\n") || !strings.HasPrefix(config, "{") {
			t.Skip()
		}
		specs, _, _ := spec.Decode("/specs/a.yaml", []byte("module: {file: a.wasm}\nconfig: "+config+"\n"))
		if len(specs) == 0 {
			t.Skip() // YAML lacks it (surrogates, long keys), or a limit excludes it
		}
		var want, got any
		if err := decodeNumbers(config, &want); err != nil {
			t.Skip()
		}
		if specs[0].ConfigType != "" {
			t.Skip() // a block with @type
		}
		if err := decodeNumbers(*specs[0].Config, &got); err != nil {
			t.Fatalf("%q is no JSON: %v", *specs[0].Config, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q became %q: %s", config, *specs[0].Config, diff)
		}
	})
}

func decodeNumbers(text string, into any) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(into)
}
