package envoyfacts

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// The page and the tests name the same facts.
func TestPageNamesEachFact(t *testing.T) {
	page, err := os.ReadFile("../../docs/envoy-behaviour.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, file := range files {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(t `).FindAllSubmatch(code, -1) {
			shown = append(shown, string(m[1]))
		}
	}
	var named []string
	for _, m := range regexp.MustCompile("`(Test\\w+)`").FindAllSubmatch(page, -1) {
		named = append(named, string(m[1]))
	}
	for _, name := range shown {
		if name != t.Name() && !slices.Contains(named, name) {
			t.Errorf("docs/envoy-behaviour.md does not name %s", name)
		}
	}
	for _, name := range named {
		if !slices.Contains(shown, name) {
			t.Errorf("docs/envoy-behaviour.md names %s, which is no test", name)
		}
	}
}
