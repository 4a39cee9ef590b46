package report

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func section() Section {
	return Section{
		Text: Text{
			Title: "Some Load", Reference: "other", Before: []string{"before"}, After: []string{"after"},
			Headlines: []Headline{{Figures: []string{"time"}, Goal: Goal{Most: 1}}},
		},
		Measured: Measured{
			Origin: Origin{Machine: "a machine", Commit: "abc", Date: "2006-01-02"}, Note: "busy",
			Tables: []Table{{Title: "T", Rows: []Row{
				NewRow("time", Seconds, []float64{3e-3, 1e-3, 2e-3}, []float64{4e-3}),
				NewRow("memory", Bytes, []float64{2048, 1024}, nil),
				NewRow("goroutines", Count, []float64{12345}, []float64{5}),
			}}},
		},
	}
}

const want = `## Some Load

before

a machine, commit abc, 2006-01-02

busy

### T

| figure | wasm-xds | other | ratio | runs | goal |
| --- | ---: | ---: | ---: | ---: | --- |
| time | 2 ms | 4 ms | **0.50** | 3 | ≤ 1 |
| memory | 1.50 KiB | – | – | 2 |  |
| goroutines | 12345 | 5 | **2469.00** | 1 |  |

after
`

func TestMarkdown(t *testing.T) {
	if got := section().Markdown(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	other := section()
	other.Title, other.Machine = "Other", "another machine"
	page := Page([]Section{section(), other})
	for _, part := range []string{
		head, "\na machine; another machine; the commit", "\n| [Some Load](#some-load): time | 2 ms | other: 4 ms | **0.50** | 3 | ≤ 1 | yes |\n",
		"\n| [Other](#other): time |", "\n\n" + want + "\n## Other\n",
	} {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks\n%s\nin\n%s", part, page)
		}
	}
}

func TestSummaryHidesNoMiss(t *testing.T) {
	row := func(figure string, ours float64) Row { return Row{Figure: figure, Ours: ours, Reference: 100, Runs: 3} }
	few, many := Table{Title: "few"}, Table{Title: "many", Reference: "more"}
	few.Rows = []Row{row("CPU", 40), row("p99, a", 7), row("p99, b", 8), row("start", 300)}
	many.Rows = []Row{row("CPU", 101), row("CPU, canary", 102)}
	s := Section{Text: Text{Title: "S", Reference: "other"}, Measured: Measured{Tables: []Table{few, many}}}
	for _, tt := range []struct {
		name string
		h    Headline
		want []string
	}{
		{"those that miss each, and the worst of the others", Headline{Figures: []string{"CPU"}, Goal: Goal{Most: 1.015, Aim: 0.5}}, []string{
			"S: CPU, canary; many|102|more: 100|1.02|3|≤ 1.015, aim 0.5|no",
			"S: CPU; many; the worst of 2|101|more: 100|1.01|3|≤ 1.015, aim 0.5|yes; the aim: 1 of 3",
		}},
		{"all miss", Headline{What: "cost", Figures: []string{"CPU"}, Goal: Goal{Most: 0.1}}, []string{
			"S: cost; CPU; few|40|other: 100|0.40|3|≤ 0.1|no",
			"S: cost; CPU; many|101|more: 100|1.01|3|≤ 0.1|no",
			"S: cost; CPU, canary; many|102|more: 100|1.02|3|≤ 0.1|no",
		}},
		{"by the figure itself", Headline{What: "tail", Figures: []string{"p99"}, Goal: Goal{Most: 7.5, Absolute: true}}, []string{
			"S: tail; p99, b|8|other: 100|0.08|3|≤ 7.50|no",
			"S: tail; p99, a|7|other: 100|0.07|3|≤ 7.50|yes",
		}},
		{"without a goal", Headline{What: "begin", Figures: []string{"start"}}, []string{"S: begin|300|other: 100|3.00|3||"}},
		{"what was not measured", Headline{Figures: []string{"memory"}, Goal: Goal{Most: 1}}, nil},
	} {
		var got []string
		for _, cells := range s.lines(tt.h) {
			l := strings.Join(cells, "|")
			got = append(got, strings.NewReplacer("[S](#s)", "S", "*", "").Replace(l))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
	}
}

func TestARatioShowsOnWhichSideOfTheGoalItIs(t *testing.T) {
	for _, tt := range []struct {
		ours float64
		goal Goal
		want string
	}{
		{1052, Goal{Most: 1.05}, "**1.052**"},
		{1050, Goal{Most: 1.05}, "**1.05**"},
		{1048, Goal{Most: 1.05}, "**1.05**"},
		{1060, Goal{Most: 1.05}, "**1.06**"},
		{1052, Goal{}, "**1.05**"},
		{1052, Goal{Most: 1.05, Absolute: true}, "**1.05**"},
		{1050.1, Goal{Most: 1.05}, "**1.0501**"},
	} {
		if got := ratioText(Row{Ours: tt.ours, Reference: 1000}, tt.goal); got != tt.want {
			t.Errorf("%v with %+v: %s, want %s", tt.ours, tt.goal, got, tt.want)
		}
	}
	if missing := (Row{Ours: 1}); ratioText(missing, Goal{Most: 1}) != "–" || (Goal{Most: 1}).met(missing) {
		t.Error("a ratio without a reference")
	}
}

func TestDataComesBackAsItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.json")
	if d, err := Load(path); err != nil || len(d) != 0 {
		t.Fatalf("without a file: %v, %v", d, err)
	}
	d := Data{"one": section().Measured}
	if err := d.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil || !reflect.DeepEqual(got, d) {
		t.Errorf("%+v, %v, want %+v", got, err, d)
	}
	if err := os.WriteFile(path, []byte(`{"one": {"tables": [{"rows": [{"unit": "miles"}]}]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil {
		t.Error("no error for a unit that there is not")
	}
}

func TestInterleave(t *testing.T) {
	var order []int
	run := func(i int) func() error { return func() error { order = append(order, i); return nil } }
	if err := Interleave(50, run(0), run(1), run(2)); err != nil || len(order) != 150 {
		t.Fatalf("%v, %v", order, err)
	}
	follows := map[[2]int]bool{}
	for i, run := range order {
		if i%3 == 0 && !slices.Equal(slices.Sorted(slices.Values(order[i:i+3])), []int{0, 1, 2}) {
			t.Errorf("a round is %v", order[i:i+3])
		}
		if i > 0 {
			follows[[2]int{order[i-1], run}] = true
		}
	}
	if len(follows) != 9 {
		t.Errorf("not each run follows each: %v", follows)
	}
	if err := Interleave(1, func() error { return os.ErrClosed }); err == nil {
		t.Error("no error")
	}
}

func TestWrapped(t *testing.T) {
	long := "`" + strings.Repeat("x", columns) + " y`"
	for _, c := range []struct{ name, paragraph, want string }{
		{"short", "one  two", "one two"},
		{"a line that fits exactly", strings.Repeat("a", columns-2) + " b", strings.Repeat("a", columns-2) + " b"},
		{"a word too many", strings.Repeat("a", columns-1) + " b", strings.Repeat("a", columns-1) + "\nb"},
		{"a code span stays whole", "see " + long + ", then", "see\n" + long + ",\nthen"},
		{"an unclosed code span", "see `a b", "see `a b"},
	} {
		if got := wrapped(c.paragraph); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
