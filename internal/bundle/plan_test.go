package bundle

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// specFile decodes a file with the path /dir/<title>.
func specFile(t *testing.T, title, text string) SpecFile {
	t.Helper()
	specs, errs, _ := spec.Decode("/dir/"+title, []byte(text))
	if len(errs) > 0 {
		t.Fatalf("%s: %v", title, errs[0])
	}
	return SpecFile{Title: title, Text: []byte(text), Specs: specs}
}

// contentsOf gives each path that specs name a content. The content is the path itself, or the
// value of same for this path.
func contentsOf(files []SpecFile, same map[string]string) map[string]Content {
	all := map[string]Content{}
	for _, f := range files {
		for _, r := range references(f) {
			text := r.ref.Path
			if other, ok := same[text]; ok {
				text = other
			}
			all[r.ref.Path] = Content{Digest: digest.FromString(text), Size: int64(len(text)), Place: r.ref.Path}
		}
	}
	return all
}

func TestPlan(t *testing.T) {
	const plain = "name: a\nmodule: {file: ./x.wasm}\n"
	for name, test := range map[string]struct {
		files map[string]string
		same  map[string]string
		want  map[string]string // titles, each with the spec file's text after rewriting
	}{
		"what lies within stays as it is": {
			files: map[string]string{"a.yaml": "# why\r\nmodule:\r\n  file: build/x.wasm\r\nconfigFrom: {file: a.json}\r\n"},
			want: map[string]string{
				"a.yaml":       "# why\r\nmodule:\r\n  file: build/x.wasm\r\nconfigFrom: {file: a.json}\r\n",
				"build/x.wasm": "", "a.json": "",
			},
		},
		"one module of several specs": {
			files: map[string]string{"a.yaml": plain, "sub/b.yaml": "name: b\nmodule: {file: ../x.wasm}\n"},
			want:  map[string]string{"a.yaml": plain, "sub/b.yaml": "name: b\nmodule: {file: ../x.wasm}\n", "x.wasm": ""},
		},
		"a URL needs nothing": {
			files: map[string]string{"a.yaml": "module:\n  url: https://host/x.wasm\n  sha256: " + strings.Repeat("ab", 32) + "\n"},
			want:  map[string]string{"a.yaml": "module:\n  url: https://host/x.wasm\n  sha256: " + strings.Repeat("ab", 32) + "\n"},
		},
		"outside": {
			files: map[string]string{"a.yaml": "# why\nmodule: {file: ../target/x.wasm} # here\nrootId: r\n"},
			want:  map[string]string{"a.yaml": "# why\nmodule: {file: './modules/x.wasm'} # here\nrootId: r\n", "modules/x.wasm": ""},
		},
		"outside, in quotes, in several documents, from a sub-directory": {
			files: map[string]string{"s/t/a.yaml": "name: a\nmodule:\n  file: \"/opt/x.wasm\"\n---\nname: b\nmodule: {file: '../../../y.wasm', sha256: " + strings.Repeat("ab", 32) + "}\nconfigFrom:\n  file: ../../../c.json\n"},
			want: map[string]string{
				"s/t/a.yaml":     "name: a\nmodule:\n  file: '../../modules/x.wasm'\n---\nname: b\nmodule: {file: '../../modules/y.wasm', sha256: " + strings.Repeat("ab", 32) + "}\nconfigFrom:\n  file: '../../files/c.json'\n",
				"modules/x.wasm": "", "modules/y.wasm": "", "files/c.json": "",
			},
		},
		"outside, two with one name": {
			files: map[string]string{"a.yaml": "name: a\nmodule: {file: ../1/x.wasm}\n---\nname: b\nmodule: {file: ../2/x.wasm}\n"},
			same:  map[string]string{"/1/x.wasm": "one", "/2/x.wasm": "two"},
			want: map[string]string{
				"a.yaml":                    "name: a\nmodule: {file: './modules/7692c3ad3540.wasm'}\n---\nname: b\nmodule: {file: './modules/3fc4ccfe7458.wasm'}\n",
				"modules/7692c3ad3540.wasm": "", "modules/3fc4ccfe7458.wasm": "",
			},
		},
		"outside, two with one content": {
			files: map[string]string{"a.yaml": "name: a\nmodule: {file: ../1/x.wasm}\n---\nname: b\nmodule: {file: ../2/x.wasm}\n"},
			same:  map[string]string{"/1/x.wasm": "one", "/2/x.wasm": "one"},
			want: map[string]string{
				"a.yaml":         "name: a\nmodule: {file: './modules/x.wasm'}\n---\nname: b\nmodule: {file: './modules/x.wasm'}\n",
				"modules/x.wasm": "",
			},
		},
		"outside, and the place is taken": {
			files: map[string]string{"a.yaml": "name: a\nmodule: {file: modules/x.wasm}\n---\nname: b\nmodule: {file: ../x.wasm}\n"},
			same:  map[string]string{"/x.wasm": "one"},
			want: map[string]string{
				"a.yaml":         "name: a\nmodule: {file: modules/x.wasm}\n---\nname: b\nmodule: {file: './modules/7692c3ad3540.wasm'}\n",
				"modules/x.wasm": "", "modules/7692c3ad3540.wasm": "",
			},
		},
		"behind an anchor": {
			files: map[string]string{"a.yaml": "module: {file: &m ../x.wasm}\n"},
			want:  map[string]string{"a.yaml": "module: {file: &m './modules/x.wasm'}\n", "modules/x.wasm": ""},
		},
		"hidden": {
			files: map[string]string{"a.yaml": "module: {file: ./.build/.x.wasm}\n"},
			want:  map[string]string{"a.yaml": "module: {file: './modules/x.wasm'}\n", "modules/x.wasm": ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var files []SpecFile
			for title, text := range test.files {
				files = append(files, specFile(t, title, text))
			}
			items, errs := Plan(files, contentsOf(files, test.same))
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			got := map[string]string{}
			for _, item := range items {
				got[item.Title] = string(item.Text)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestPlanRefuses(t *testing.T) {
	for name, test := range map[string]struct{ text, code string }{
		"what another field is, too": {"rootId: &m ../x.wasm\nmodule: {file: *m}\n", "bundle_cannot_rewrite"},
		"a block":                    {"module:\n  file: >-\n    ../x.wasm\n", "bundle_cannot_rewrite"},
		"module and config alike":    {"module: {file: x.wasm}\nconfigFrom: {file: ./x.wasm}\n", "bundle_conflict"},
		"a spec for a module":        {"module: {file: a.yaml}\n", "bundle_conflict"},
	} {
		t.Run(name, func(t *testing.T) {
			files := []SpecFile{specFile(t, "a.yaml", test.text)}
			_, errs := Plan(files, contentsOf(files, nil))
			if len(errs) != 1 || errs[0].Code != test.code {
				t.Fatalf("got %v", errs)
			}
			if errs[0].Pos.Line == 0 || errs[0].Hint == "" {
				t.Errorf("no place or no hint: %+v", errs[0])
			}
		})
	}
}

// FuzzPlan checks for any specs that decode: Plan returns an error, or the same valid bundle every
// time.
func FuzzPlan(f *testing.F) {
	for _, text := range []string{
		"module: {file: ./x.wasm}\n",
		"name: a\nmodule: {file: \"../x'y.wasm\"}\nconfigFrom: {file: '../it''s'}\n",
		"name: a\nmodule:\n  file: /a/b.wasm\n---\nname: b\nmodule: {file: ../b.wasm}\n",
		"\ufeffmodule: {\"file\": \"..\\/\\u0078.wasm\"}\r\n",
		"module: &m {file: ../x.wasm}\nconfigFrom: {file: ../ü/x}\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		specs, errs, broken := spec.Decode("/dir/sub/a.yaml", []byte(text))
		if broken || len(errs) > 0 || len(specs) == 0 {
			return
		}
		files := []SpecFile{{Title: "sub/a.yaml", Text: []byte(text), Specs: specs}}
		items, problems := Plan(files, contentsOf(files, nil))
		if len(problems) > 0 {
			return
		}
		again, _ := Plan(files, contentsOf(files, nil))
		if diff := cmp.Diff(items, again); diff != "" {
			t.Fatal(diff)
		}
		entries, texts := make([]Entry, 0, len(items)), map[string][]byte{}
		for _, item := range items {
			entries = append(entries, item.Entry)
			texts[item.Title] = item.Text
		}
		manifest, err := Manifest(entries, nil)
		if err != nil {
			return // beyond a limit
		}
		if entries, err = Parse(manifest); err != nil {
			t.Fatal(err)
		}
		documents := Read(entries, Names{}, texts, func(e Entry) string { return e.Title }, spec.Decode)
		if len(documents.Errors) == 0 && len(documents.Specs) != len(specs) {
			t.Fatalf("%d specs of %d", len(documents.Specs), len(specs))
		}
		for _, e := range documents.Errors {
			if e.Code != "duplicate_name" {
				t.Fatal(e)
			}
		}
	})
}
