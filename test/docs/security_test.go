package docs

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSecurityPage expects the page about security to name only tests that exist.
func TestSecurityPage(t *testing.T) {
	declared := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root:
			return fs.SkipDir
		case strings.HasSuffix(path, "_test.go"):
			for _, match := range function.FindAllSubmatch([]byte(read(t, path)), -1) {
				declared[string(match[1])] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(read(t, filepath.Join(root, "docs", "security.md")), -1)
	if len(named) < 10 {
		t.Errorf("the page names only %d tests", len(named))
	}
	for _, match := range named {
		if !declared[match[1]] {
			t.Errorf("the page names %s, which does not exist", match[1])
		}
	}
}
