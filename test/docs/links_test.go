// Package docs checks the project's pages.
package docs

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

var (
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	fence   = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	code    = regexp.MustCompile("`[^`\n]*`")
)

// TestLinks follows each link to a page or a heading in the repository.
func TestLinks(t *testing.T) {
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "examples/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	links := 0
	for _, page := range pages {
		text := fence.ReplaceAllString(read(t, page), "")
		for _, match := range link.FindAllStringSubmatch(code.ReplaceAllString(text, "code"), -1) {
			target, err := url.Parse(match[1])
			if err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			if target.Scheme != "" {
				continue // network links are not checked
			}
			links++
			file := page
			if target.Path != "" {
				file = filepath.Join(filepath.Dir(page), filepath.FromSlash(target.Path))
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s links to %s: %v", page, match[1], err)
			} else if target.Fragment != "" && !anchors(read(t, file))[target.Fragment] {
				t.Errorf("%s links to %s, and there is no such heading", page, match[1])
			}
		}
	}
	if links == 0 {
		t.Error("the pages have no links")
	}
}

// TestLinksInCode follows each link from a Go file to a heading of a page, like
// docs/RATIONALE.md#why-is-there-no-gowork.
func TestLinksInCode(t *testing.T) {
	toHeading := regexp.MustCompile(`\b(docs/[\w-]+\.md)#([\w-]+)`)
	pages, links := map[string]map[string]bool{}, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		for _, match := range toHeading.FindAllStringSubmatch(read(t, path), -1) {
			page, fragment := match[1], match[2]
			if pages[page] == nil {
				pages[page] = anchors(read(t, filepath.Join(root, filepath.FromSlash(page))))
			}
			if links++; !pages[page][fragment] {
				t.Errorf("%s links to %s, and there is no such heading", path, match[0])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if links < 2 {
		t.Error("the code has no links")
	}
}

// TestTheProjectsOwnPages checks the pages that visitors expect in every project.
func TestTheProjectsOwnPages(t *testing.T) {
	readme := read(t, filepath.Join(root, "README.md"))
	for name, says := range map[string]string{
		"LICENSE":         "Apache License\n                           Version 2.0, January 2004",
		"CHANGELOG.md":    "\n## [Unreleased]\n",
		"CONTRIBUTING.md": "make test",
		"SECURITY.md":     "/security/advisories/new",
	} {
		if !strings.Contains(read(t, filepath.Join(root, name)), says) {
			t.Errorf("%s does not say %q", name, says)
		}
		if !strings.Contains(readme, "]("+name+")") {
			t.Errorf("README.md does not link to %s", name)
		}
	}
}

// anchors returns GitHub's fragments of a page's headings.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, match := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		anchor := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', '0' <= r && r <= '9', 'a' <= r && r <= 'z', r > 127:
				return r
			default:
				return -1
			}
		}, strings.ToLower(match[1]))
		found[anchor] = true
	}
	return found
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
