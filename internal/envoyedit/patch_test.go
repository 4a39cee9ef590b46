package envoyedit_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/internal/envoyedit"
	"github.com/wasm-xds/wasm-xds/internal/test/bootstraps"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// items and fields are the tests' additions: comments, nested values, and a text in need of quotes.
const (
	items  = "# added\n- name: new\n  at:\n  - \"@type\": a.b/C\n    wait: 0.5s\n    n: 7\n"
	fields = "# added\nnew:\n  - x: \"yes\"\nother: { y: true }\n"
)

func parse(t *testing.T, text string) *envoyconfig.File {
	t.Helper()
	f, problem := envoyconfig.Parse("envoy.yaml", []byte(text))
	if problem != nil {
		t.Fatalf("%v\n%s", problem, text)
	}
	return f
}

func TestStyles(t *testing.T) {
	list := func(index int) func(*envoyedit.Patch, *envoyconfig.Node) *spec.Error {
		return func(p *envoyedit.Patch, root *envoyconfig.Node) *spec.Error {
			return p.AddItems(root.Get("a"), index, items)
		}
	}
	for name, tt := range map[string]struct {
		edit         func(*envoyedit.Patch, *envoyconfig.Node) *spec.Error
		before, want string
	}{
		"before an item with a comment": {
			list(1),
			"a:\n  - x # 1\n  # 2\n  - y\n",
			"a:\n  - x # 1\n  # added\n  - name: new\n    at:\n    - \"@type\": a.b/C\n      wait: 0.5s\n      n: 7\n  # 2\n  - y\n",
		},
		"empty lines between items": {
			list(1),
			"a:\n- x\n\n- y\n",
			"a:\n- x\n\n# added\n- name: new\n  at:\n  - \"@type\": a.b/C\n    wait: 0.5s\n    n: 7\n\n- y\n",
		},
		"at the end, before a comment": {
			list(1),
			"a:\n  - x: |\n      # text\n    # of x\n  # - old\nb: 1\n",
			"a:\n  - x: |\n      # text\n    # of x\n  # added\n  - name: new\n    at:\n    - \"@type\": a.b/C\n      wait: 0.5s\n      n: 7\n  # - old\nb: 1\n",
		},
		"no line end": {
			list(1),
			"a:\n- x",
			"a:\n- x\n# added\n- name: new\n  at:\n  - \"@type\": a.b/C\n    wait: 0.5s\n    n: 7",
		},
		"CRLF": {
			list(0),
			"a:\r\n- x\r\n",
			"a:\r\n# added\r\n- name: new\r\n  at:\r\n  - \"@type\": a.b/C\r\n    wait: 0.5s\r\n    n: 7\r\n- x\r\n",
		},
		"flow": {
			list(1),
			"a: [x, y] # c\n",
			"a: [x, {name: new, at: [{\"@type\": a.b/C, wait: 0.5s, \"n\": 7}]}, y] # c\n",
		},
		"flow on several lines": {
			list(2),
			"a: [\n  { x: 1 }, # one\n  { y: 2 }, # two\n]\n",
			"a: [\n  { x: 1 }, # one\n  { y: 2 },\n  {name: new, at: [{\"@type\": a.b/C, wait: 0.5s, \"n\": 7}]}, # two\n]\n",
		},
		"JSON": {
			list(1),
			"{\n    \"a\": [\n        1\n    ]\n}\n",
			"{\n    \"a\": [\n        1,\n        {\n            \"name\": \"new\",\n            \"at\": [\n                {\n                    \"@type\": \"a.b/C\",\n                    \"wait\": \"0.5s\",\n                    \"n\": 7\n                }\n            ]\n        }\n    ]\n}\n",
		},
		"compact JSON": {
			list(0),
			"{\n\t\"a\": [\n\t\t{\"x\": 1}\n\t]\n}",
			"{\n\t\"a\": [\n\t\t{\"name\": \"new\", \"at\": [{\"@type\": \"a.b/C\", \"wait\": \"0.5s\", \"n\": 7}]},\n\t\t{\"x\": 1}\n\t]\n}",
		},
		"JSON on one line": {
			list(1),
			`{"a":[1],"b":{}}`,
			`{"a":[1,{"name":"new","at":[{"@type":"a.b/C","wait":"0.5s","n":7}]}],"b":{}}`,
		},
		"an anchor": {
			func(p *envoyedit.Patch, root *envoyconfig.Node) *spec.Error {
				return p.AddItems(root.Get("b"), 0, items)
			},
			"a: &x # shared\n- y\nb: *x\n",
			"a: &x # shared\n# added\n- name: new\n  at:\n  - \"@type\": a.b/C\n    wait: 0.5s\n    n: 7\n- y\nb: *x\n",
		},
		"a missing list": {
			func(p *envoyedit.Patch, root *envoyconfig.Node) *spec.Error { return p.Append(root, "- x\n", "a", "b") },
			"c: 1\n", "c: 1\na:\n  b:\n    - x\n",
		},
		"an empty list": {
			func(p *envoyedit.Patch, root *envoyconfig.Node) *spec.Error { return p.Append(root, "- x\n", "a", "b") },
			"a:\n  b: [] # none\nc: 1\n", "a:\n  b: # none\n    - x\nc: 1\n",
		},
		"a field without a value": {
			func(p *envoyedit.Patch, root *envoyconfig.Node) *spec.Error { return p.Append(root, "- x\n", "a", "b") },
			"a:\n  b:\nc: 1\n", "a:\n  b:\n    - x\nc: 1\n",
		},
		"an empty map in JSON": {
			func(p *envoyedit.Patch, root *envoyconfig.Node) *spec.Error { return p.Set(root, "x: 1\n", "a", "b") },
			"{\"a\": {}, \"c\": 1}", "{\"a\": {\"b\": {\"x\": 1}}, \"c\": 1}",
		},
		"a replaced field": {
			func(p *envoyedit.Patch, root *envoyconfig.Node) *spec.Error {
				return p.ReplaceField(root.All("a")[0], 1, "z:\n  w: 1\n")
			},
			"a:\n- x: 1 # x\n  y:\n    # inside\n    v: |\n      text\n  # after\n- b\n",
			"a:\n- x: 1 # x\n  z:\n    w: 1\n  # after\n- b\n",
		},
		"a replaced field in flow": {
			func(p *envoyedit.Patch, root *envoyconfig.Node) *spec.Error {
				return p.ReplaceField(root.Get("a"), 0, "z:\n  w: 1\n")
			},
			"a: { x: { y: 1 }, v: 2 }\n", "a: { z: { w: 1 }, v: 2 }\n",
		},
		"a replaced text": {
			func(p *envoyedit.Patch, root *envoyconfig.Node) *spec.Error {
				return p.ReplaceText(root.Get("a"), "x y")
			},
			"a: 'b' # c\n", "a: \"x y\" # c\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := parse(t, tt.before)
			p, problem := envoyedit.New(f)
			if problem != nil {
				t.Fatal(problem)
			}
			if problem := tt.edit(p, f.Root); problem != nil {
				t.Fatal(problem)
			}
			got, problem := p.Text()
			if problem != nil {
				t.Fatal(problem)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	f := parse(t, "a: &x {b: 1}\nc: {<<: *x}\n")
	if _, problem := envoyedit.New(f); problem == nil || problem.Pos.Line != 2 {
		t.Errorf("a merge key: %v", problem)
	}
	// The empty lines belong to the text, and an addition would take them away.
	f = parse(t, "a:\n- b: |+\n    text\n\n\n- c\n")
	p, _ := envoyedit.New(f)
	if problem := p.AddFields(f.Root.All("a")[0], 1, fields); problem != nil {
		t.Fatal(problem)
	}
	if text, problem := p.Text(); problem == nil || text != nil || !strings.Contains(problem.Message, "would mean something else") {
		t.Errorf("a text with its last lines: %s, %v", text, problem)
	}
	// The replaced field has an anchor with an alias outside.
	f = parse(t, "a:\n  b: &x 1\nc: *x\n")
	p, _ = envoyedit.New(f)
	if problem := p.ReplaceField(f.Root.Get("a"), 0, "d: 1\n"); problem != nil {
		t.Fatal(problem)
	}
	if text, problem := p.Text(); problem == nil || text != nil {
		t.Errorf("a lost anchor: %s, %v", text, problem)
	}
}

// seeds are the bootstraps of the tests, and files in several styles.
func seeds(tb testing.TB) []string {
	tb.Helper()
	var all []string
	for name, text := range bootstraps.Good() {
		all = append(all, text)
		for _, part := range bootstraps.Parts(name) {
			all = append(all, part)
		}
	}
	for _, pattern := range []string{"../bootstrap/testdata/*.yaml", "../../examples/envoy/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			tb.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				tb.Fatal(err)
			}
			all = append(all, string(text))
		}
	}
	return append(all,
		"a: [b, {c: 'd'}]\n", "- &x |\n  a\n- *x\n", "{\"a\":[]}", "a:\n- - b\n  - c\n- d", "--- # x\na:\n- b\n...\n---\nc: d\n",
		"a:\n-\n  b: 1\n- # c\n  d: 2\n-\n", "a: [\n  b, # c\n  d\n  ]\n", "\ufeffa:\r\n- b\r\n", "{\n\t\"a\": [\n\t\t{}\n\t]\n}",
		"a: &x\n# c\n- b\nc: *x\nd: [*x, *x]\n", "!ignore a: !b\n- c\n", "a: >-\n  b\n\n  c\n# d\ne: []\n")
}

// collections returns the lists and maps of a tree, each once.
func collections(n *envoyconfig.Node) (all []*envoyconfig.Node) {
	if n.Alias != nil {
		return nil
	}
	if len(n.Items)+len(n.Entries) > 0 {
		all = append(all, n)
	}
	for _, item := range n.Items {
		all = append(all, collections(item)...)
	}
	for _, e := range n.Entries {
		all = append(all, collections(e.Value)...)
	}
	return all
}

// checkAddition makes an addition. If the patch takes the addition, the text has all lines of the
// original in their order, and else only new lines; in flow style, all bytes.
func checkAddition(t *testing.T, text string, at, index int) (taken bool) {
	t.Helper()
	f, problem := envoyconfig.Parse("envoy.yaml", []byte(text))
	if problem != nil {
		return true
	}
	p, problem := envoyedit.New(f)
	if problem != nil {
		return true
	}
	all := collections(f.Root)
	if len(all) == 0 {
		return true
	}
	n := all[at%len(all)]
	if n.Kind == envoyconfig.List {
		problem = p.AddItems(n, index%(len(n.Items)+1), items)
	} else {
		problem = p.AddFields(n, index%(len(n.Entries)+1), fields)
	}
	if problem != nil {
		return false
	}
	got, problem := p.Text()
	if problem != nil {
		return false
	}
	if n.Flow {
		if !isSubsequence([]byte(text), got) {
			t.Errorf("bytes are gone: of\n%s\ngot\n%s", text, got)
		}
	} else if !isSubsequence(lines(text), lines(string(got))) {
		t.Errorf("lines are gone: of\n%s\ngot\n%s", text, got)
	}
	return true
}

// lines returns the lines of a text, without a byte order mark.
func lines(text string) []string {
	return strings.FieldsFunc(strings.TrimPrefix(text, "\ufeff"), func(r rune) bool { return r == '\r' || r == '\n' })
}

// isSubsequence says whether all parts stand in the whole in their order.
func isSubsequence[T comparable](parts, whole []T) bool {
	for _, part := range parts {
		at := slices.Index(whole, part)
		if at < 0 {
			return false
		}
		whole = whole[at+1:]
	}
	return true
}

// In every place of every bootstrap, an addition is right. Only before the first field of an item,
// on the line of the dash, there is none.
func TestEveryPlace(t *testing.T) {
	for i, text := range seeds(t) {
		text := []string{text, strings.ReplaceAll(text, "\n", "\r\n"), strings.TrimRight(text, "\n")}[i%3]
		f, problem := envoyconfig.Parse("envoy.yaml", []byte(text))
		if problem != nil {
			t.Fatal(problem)
		}
		for at, n := range collections(f.Root) {
			if len(text) > 2000 && at%3 != i%3 {
				continue // a sample of the large files
			}
			for index := range len(n.Items) + len(n.Entries) + 1 {
				if !checkAddition(t, text, at, index) && index > 0 {
					t.Errorf("refused: %s, before %d of\n%s", n.Pos(), index, text)
				}
			}
		}
	}
}

func FuzzAdd(f *testing.F) {
	for _, text := range append(seeds(f), "a:\n- b: |+\n    text\n\n\n- c\n", "? a\n: b\n") {
		f.Add(text, 0, 0)
		f.Add(text, 3, 1)
	}
	f.Fuzz(func(t *testing.T, text string, at, index int) {
		if at >= 0 && index >= 0 {
			checkAddition(t, text, at, index)
		}
	})
}
