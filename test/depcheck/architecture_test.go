package depcheck

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestArchitectureListsThePackages expects the tables of packages in docs/ARCHITECTURE.md to list
// each package once, and no others. Each table is a floor: a package imports no package of a
// higher floor.
func TestArchitectureListsThePackages(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, tables, _ := strings.Cut(string(page), "\n## Packages\n")
	tables, _, _ = strings.Cut(tables, "\n## ")
	// The first cell of a row names one or several packages.
	row := regexp.MustCompile("(?m)^\\| ((?:`[\\w/-]+`(?:, )?)+) \\|")
	listed, floorOf, floors := map[string]int{}, map[string]int{}, strings.Split(tables, "\n### ")
	for floor, table := range floors {
		for _, match := range row.FindAllStringSubmatch(table, -1) {
			for name := range strings.SplitSeq(match[1], ", ") {
				name = strings.Trim(name, "`")
				listed[name]++
				floorOf[name] = floor
			}
		}
	}
	for _, p := range packages(t) {
		if listed[p.Path] != 1 {
			t.Errorf("docs/ARCHITECTURE.md lists %s %d times, want once", p.Path, listed[p.Path])
		}
		delete(listed, p.Path)
		for _, imported := range ownImports(p.Imports) {
			if above := floorOf[imported]; above > floorOf[p.Path] {
				heading, _, _ := strings.Cut(floors[above], "\n")
				t.Errorf("docs/ARCHITECTURE.md: %s imports %s of the higher floor %q", p.Path, imported, heading)
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(listed)) {
		t.Errorf("docs/ARCHITECTURE.md lists %s, which does not exist", path)
	}
}
