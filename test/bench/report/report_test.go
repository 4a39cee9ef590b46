package report

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func section() Section {
	return Section{
		Name: "one", Title: "One", Reference: "other", Before: []string{"before"}, After: []string{"after"},
		Tables: []Table{{Title: "T", Rows: []Row{
			{Figure: "time", Unit: Seconds, Ours: []float64{3e-3, 1e-3, 2e-3}, Reference: []float64{4e-3}, Goal: "≤ 1"},
			{Figure: "memory", Unit: Bytes, Ours: []float64{2048, 1024}},
			{Figure: "goroutines", Ours: []float64{12345}, Reference: []float64{5}},
		}}},
	}
}

const want = `## One

before

### T

| figure | wasm-xds | other | ratio | runs | goal |
|---|---:|---:|---:|---:|---|
| time | 2 ms | 4 ms | **0.50** | 3 | ≤ 1 |
| memory | 1.50 KiB | – | – | 2 |  |
| goroutines | 12345 | 5 | **2469.00** | 1 |  |

after
`

func TestMarkdown(t *testing.T) {
	if got := section().Markdown(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestUpdateReplacesItsOwnSectionOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	other := Section{Name: "two", Title: "Two"}
	for _, s := range []Section{{Name: "one", Title: "Old"}, other, section(), section()} {
		if err := Update(path, s); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := head + "\n<!-- bench:one -->\n" + want + "<!-- /bench:one -->\n\n<!-- bench:two -->\n## Two\n<!-- /bench:two -->\n"
	if string(got) != page {
		t.Errorf("got\n%s\nwant\n%s", got, page)
	}
	if _, err := replace("<!-- bench:one -->\n", "one", ""); err == nil {
		t.Error("no error for a page without the second marker")
	}
}

func TestInterleave(t *testing.T) {
	var order []int
	run := func(i int) func() error { return func() error { order = append(order, i); return nil } }
	if err := Interleave(2, run(0), run(1)); err != nil || !slices.Equal(order, []int{0, 1, 1, 0}) {
		t.Errorf("%v, %v", order, err)
	}
	if err := Interleave(1, func() error { return os.ErrClosed }); err == nil {
		t.Error("no error")
	}
}
