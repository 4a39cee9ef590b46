package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/wasm-xds/wasm-xds/test/bench/report"
	"github.com/wasm-xds/wasm-xds/test/bench/suite"
)

// figures returns the path of a page's figures.
func figures(page string) string {
	return strings.TrimSuffix(page, filepath.Ext(page)) + ".json"
}

// write merges the fresh results into the saved results and renders the page.
func write(page string, all []suite.Benchmark, fresh report.Data) error {
	data, err := report.Load(figures(page))
	if err != nil {
		return err
	}
	maps.Copy(data, fresh)
	if len(fresh) > 0 {
		if err := data.Save(figures(page)); err != nil {
			return err
		}
	}
	return os.WriteFile(page, []byte(report.Page(sections(all, data))), 0o644)
}

// sections returns the sections with results.
func sections(all []suite.Benchmark, data report.Data) []report.Section {
	var some []report.Section
	for _, b := range all {
		if m, ok := data[b.Name]; ok {
			some = append(some, report.Section{Text: b.Text(m.Facts), Measured: m})
		}
	}
	return some
}
