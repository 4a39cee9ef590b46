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
	shown := tests(t, "*_test.go")
	// These tests compare Envoy with the sandbox.
	elsewhere := tests(t, "../filtertests/*_test.go")
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
		if !slices.Contains(shown, name) && !slices.Contains(elsewhere, name) {
			t.Errorf("docs/envoy-behaviour.md names %s, which is no test", name)
		}
	}
}

// tests returns the names of the tests in the matching files.
func tests(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(t `).FindAllSubmatch(code, -1) {
			names = append(names, string(m[1]))
		}
	}
	return names
}
