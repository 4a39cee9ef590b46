package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/test/bench/fanout"
	"github.com/wasm-xds/wasm-xds/test/bench/report"
)

var docs = defaultPage

func TestThePageIsWhatItsFiguresRenderTo(t *testing.T) {
	data, err := report.Load(figures(docs))
	if err != nil {
		t.Fatal(err)
	}
	all := benchmarks(fanout.Cases(false), time.Minute)
	got, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	if want := report.Page(sections(all, data)); string(got) != want {
		t.Errorf("%s is not what %s renders to: go run -C test ./bench/cmd/bench -render", docs, figures(docs))
	}
	for _, b := range all {
		m, ok := data[b.Name]
		if !ok {
			t.Errorf("%s was never measured", b.Name)
		}
		// A renamed figure would disappear from the summary and lose its goal.
		for _, h := range b.Text(m.Facts).Headlines {
			for _, figure := range h.Figures {
				if !slices.ContainsFunc(names(m), func(name string) bool { return strings.HasPrefix(name, figure) }) {
					t.Errorf("%s has no figure %q", b.Name, figure)
				}
			}
		}
		delete(data, b.Name)
	}
	for name := range data {
		t.Errorf("there is no benchmark %s", name)
	}
}

func names(m report.Measured) (all []string) {
	for _, table := range m.Tables {
		for _, row := range table.Rows {
			all = append(all, row.Figure)
		}
	}
	return all
}

func TestWriteReplacesOneSection(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	all := benchmarks(nil, time.Minute)
	run := func(commit string) report.Measured {
		return report.Measured{Origin: report.Origin{Commit: commit}, Tables: []report.Table{{Rows: []report.Row{{Figure: "x", Ours: 1, Runs: 1}}}}}
	}
	for _, fresh := range []report.Data{{"soak": run("first")}, {"push": run("second")}, {"soak": run("third")}, nil} {
		if err := write(page, all, fresh); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	first, second, third := strings.Index(string(text), "commit first"), strings.Index(string(text), "commit second"), strings.Index(string(text), "commit third")
	if first >= 0 || second < 0 || third < second {
		t.Errorf("the sections are not those that were measured last, in the order of the benchmarks:\n%s", text)
	}
}
