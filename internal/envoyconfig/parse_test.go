package envoyconfig

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// outline writes each scalar of a tree with path, place and source.
func outline(n *Node) string {
	var b strings.Builder
	var walk func(path string, n *Node)
	walk = func(path string, n *Node) {
		for _, e := range n.Entries {
			walk(path+"."+e.Key.Text, e.Value)
		}
		for i, item := range n.Items {
			walk(fmt.Sprintf("%s[%d]", path, i), item)
		}
		if n.Kind != Map && n.Kind != List {
			p := n.Pos()
			fmt.Fprintf(&b, "%s %d:%d %q %q\n", path, p.Line, p.Column, n.Text, n.Source())
		}
	}
	walk("", n)
	return b.String()
}

func parse(t *testing.T, text string) *File {
	t.Helper()
	f, problem := Parse("envoy.yaml", []byte(text))
	if problem != nil {
		t.Fatalf("%v\n%s", problem, text)
	}
	return f
}

func TestParse(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"block": {"a:\n- b: 1 # one\n  c: \"x\\\"y\"\nd: e f\n", `.a[0].b 2:6 "1" "1"
.a[0].c 3:6 "x\"y" "\"x\\\"y\""
.d 4:4 "e f" "e f"
`},
		"JSON": {"{\n\t\"a\": [1, {\"b\": null}],\n\t\"c\": \"ü\", \"d\": true\n}\n", `.a[0] 2:8 "1" "1"
.a[1].b 2:17 "null" "null"
.c 3:7 "ü" "\"ü\""
.d 3:17 "true" "true"
`},
		"JSON's escapes": {"{\"a\": \"\\ud83d\\ude00 \\\\ud83d\\\\ude00 \\/\", \"b\": 1}", `.a 1:7 "😀 \\ud83d\\ude00 /" "\"\\ud83d\\ude00 \\\\ud83d\\\\ude00 \\/\""
.b 1:46 "1" "1"
`},
		"anchors": {"a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: 2\n", `.a.b 1:11 "1" "1"
.c.b 1:11 "1" "1"
.d.b 1:11 "1" "1"
.d.e 5:6 "2" "2"
`},
		"Envoy's tag":        {"!ignore a:\n- &x 1\nb: *x\n", ".a[0] 2:3 \"1\" \"&x 1\"\n.b 3:4 \"1\" \"*x\"\n"},
		"block text":         {"a: |\n  one\n\n  two\nb: >-\n    x\n    y\n\nc: 1\n", ".a 1:4 \"one\\n\\ntwo\\n\" \"|\\n  one\\n\\n  two\"\n.b 5:4 \"x y\" \">-\\n    x\\n    y\"\n.c 9:4 \"1\" \"1\"\n"},
		"several lines":      {"a: one\n  two # no\nb: 'it''s\n  so'\n", ".a 1:4 \"one two\" \"one\\n  two\"\n.b 3:4 \"it's so\" \"'it''s\\n  so'\"\n"},
		"carriage returns":   {"a: 1\r\nb: x\r\n", ".a 1:4 \"1\" \"1\"\n.b 2:4 \"x\" \"x\"\n"},
		"byte order mark":    {"\ufeffa: 1\nb: 2\n", ".a 1:4 \"1\" \"1\"\n.b 2:4 \"2\" \"2\"\n"},
		"the first document": {"a: 1\n---\nb: 2\n", ".a 1:4 \"1\" \"1\"\n"},
		"twice":              {"a: 1\na: 2\n", ".a 1:4 \"1\" \"1\"\n.a 2:4 \"2\" \"2\"\n"},
		"wide letters":       {"ä: {ö: ü, x: y}\n", ".ä.ö 1:8 \"ü\" \"ü\"\n.ä.x 1:14 \"y\" \"y\"\n"},
		"an empty value":     {"a:\nb: \"\"\n", ".a 1:3 \"\" \"\"\n.b 2:4 \"\" \"\\\"\\\"\"\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := outline(parse(t, tt.text).Root); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestExtentsOfCollections(t *testing.T) {
	f := parse(t, "a:\n  # first\n  - x: [1, {y: 2} , ] # end\n    z: |\n      text\n\n  - b\n# after\nc: {}\nd: [ ]\n")
	for path, want := range map[string]string{
		"a": "- x: [1, {y: 2} , ] # end\n    z: |\n      text\n\n  - b",
		"c": "{}", "d": "[ ]",
	} {
		if got := f.Root.Get(path).Source(); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if got := f.Root.All("a")[0].Get("x").Source(); got != "[1, {y: 2} , ]" {
		t.Errorf("x: %q", got)
	}
}

func TestParseRefuses(t *testing.T) {
	deep := strings.Repeat("[", maxDepth+2) + strings.Repeat("]", maxDepth+2)
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := range 9 {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 10), ","))
	}
	for name, tt := range map[string]struct{ text, want string }{
		"a tab":          {"a:\n\tb: 1\n", "f:2:"},
		"a bracket":      {"a: [1, 2\nb: 3\n", "f:2:"},
		"an indentation": {"a: 1\n  b: 2\n", "f:2:"},
		"no anchor":      {"a: *x\n", "f:1:"},
		"itself":         {"a: &x [*x]\n", "f:1:"},
		"a bomb":         {bomb, "too much"},
		"too deep":       {"a: 1\nb: " + deep, "f:2:"},
		"not UTF-8":      {"a: 1\nb: \xff\n", "f:2:4"},
		"empty":          {"", "no configuration"},
		"comments":       {"# nothing\n", "no configuration"},
		"too large":      {strings.Repeat("#\n", MaxFileSize/2+1), "8388610 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			f, problem := Parse("f", []byte(tt.text))
			if problem == nil || f != nil || !strings.Contains(problem.Error(), tt.want) {
				t.Errorf("%v, want %q", problem, tt.want)
			}
		})
	}
}

// A bootstrap of several megabytes is read in linear time.
func TestParseLargeFile(t *testing.T) {
	var b strings.Builder
	b.WriteString("static_resources:\n  clusters:\n")
	for i := 0; b.Len() < 4<<20; i++ {
		fmt.Fprintf(&b, "  - name: c%d\n    connect_timeout: 1s\n    load_assignment: {cluster_name: c%d}\n", i, i)
	}
	last := parse(t, b.String()).Root.All("static_resources", "clusters")
	if name := last[len(last)-1].Get("name"); name.Text != fmt.Sprintf("c%d", len(last)-1) || name.Pos().Column != 11 {
		t.Errorf("%q at %v", name.Text, name.Pos())
	}
}

// The bytes of each node mean the same alone as in their file.
func FuzzExtents(f *testing.F) {
	for _, pattern := range []string{"../bootstrap/testdata/*.yaml", "../../examples/envoy/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
		}
	}
	for _, text := range []string{"a: [b, {c: 'd'}]\n", "- &x |\n  a\n- *x\n", "{\"a\":[]}", "a:\n  <<: {b: 1}\n", "? a\n: b\n", "--- >\n a\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, problem := Parse("f", []byte(text))
		if problem != nil {
			return
		}
		var walk func(n *Node)
		walk = func(n *Node) {
			if n.Start < 0 || n.End < n.Start || n.End > len(text) {
				t.Fatalf("%q: a node from %d to %d", text, n.Start, n.End)
			}
			if n.Alias == nil {
				for _, e := range n.Entries {
					if !e.Merged {
						walk(e.Key)
						walk(e.Value)
					}
				}
				for _, item := range n.Items {
					walk(item)
				}
			}
			checkScalar(t, text, n)
		}
		walk(file.Root)
	})
}

// checkScalar parses the source of a quoted scalar alone.
func checkScalar(t *testing.T, text string, n *Node) {
	source := n.Source()
	if n.Kind != String || n.Alias != nil || len(source) < 2 || source[0] != '"' && source[0] != '\'' {
		return
	}
	var alone string
	if err := yaml.Unmarshal([]byte(source), &alone); err != nil || alone != n.Text {
		t.Errorf("%q: %q alone is %q, %v, want %q", text, source, alone, err, n.Text)
	}
}
