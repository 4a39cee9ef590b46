package docs

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDiagrams expects no semicolon in a diagram: mermaid ends a statement there, and shows an
// error in place of the picture.
func TestDiagrams(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	diagram, diagrams := regexp.MustCompile("(?ms)^```mermaid\n(.*?)^```$"), 0
	for _, page := range pages {
		for _, match := range diagram.FindAllStringSubmatch(read(t, page), -1) {
			diagrams++
			for line := range strings.Lines(match[1]) {
				if strings.Contains(line, ";") {
					t.Errorf("%s: a diagram has a semicolon: %s", page, strings.TrimSpace(line))
				}
			}
		}
	}
	if diagrams < 3 {
		t.Errorf("the pages have %d diagrams", diagrams)
	}
}
