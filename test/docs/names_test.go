package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	goFile = regexp.MustCompile(`^(?:[\w/-]+/)?\w+\.go$`)
	goName = regexp.MustCompile(`^([a-z]+)\.([A-Z]\w*)`)
)

// TestNamesInPages expects the pages about the structure to name only files that exist, as
// choose.go, and only names that a package declares, as desired.Make.
func TestNamesInPages(t *testing.T) {
	files, names := goFilesAndNames(t)
	checked := 0
	for _, page := range []string{"docs/ARCHITECTURE.md", "docs/RATIONALE.md", "docs/a-spec-s-way.md", "CONTRIBUTING.md"} {
		text := fence.ReplaceAllString(read(t, filepath.Join(root, page)), "")
		for _, span := range code.FindAllString(text, -1) {
			word := strings.Trim(span, "`")
			if goFile.MatchString(word) {
				checked++
				if !files[word] && !files[filepath.Base(word)] {
					t.Errorf("%s names %s, which does not exist", page, word)
				}
			}
			if match := goName.FindStringSubmatch(word); match != nil && names[match[1]] != nil {
				checked++
				if !names[match[1]][match[2]] {
					t.Errorf("%s names %s, which package %s does not declare", page, word, match[1])
				}
			}
		}
	}
	if checked < 20 {
		t.Errorf("the pages have only %d names", checked)
	}
}

// TestGlossary expects each word of the glossary to have one meaning.
func TestGlossary(t *testing.T) {
	_, glossary, _ := strings.Cut(read(t, filepath.Join(root, "docs", "ARCHITECTURE.md")), "\n## Glossary\n")
	glossary, _, _ = strings.Cut(glossary, "\n## ")
	meanings := map[string]int{}
	for _, match := range regexp.MustCompile(`(?m)^\| ([^|]+) \| [^|]+ \|$`).FindAllStringSubmatch(glossary, -1) {
		if meanings[match[1]]++; meanings[match[1]] > 1 {
			t.Errorf("the glossary has %q twice", match[1])
		}
	}
	if len(meanings) < 20 {
		t.Errorf("the glossary has %d words", len(meanings))
	}
}

// goFilesAndNames returns the Go files of the repository, by path and by base name, and the
// exported names of each package.
func goFilesAndNames(t *testing.T) (files map[string]bool, names map[string]map[string]bool) {
	t.Helper()
	files, names = map[string]bool{}, map[string]map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root:
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(relative)], files[d.Name()] = true, true
		if strings.HasSuffix(path, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if names[parsed.Name.Name] == nil {
			names[parsed.Name.Name] = map[string]bool{}
		}
		for _, decl := range parsed.Decls {
			addNames(decl, names[parsed.Name.Name])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, names
}

// addNames adds the names of a declaration, without methods.
func addNames(decl ast.Decl, to map[string]bool) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Recv == nil {
			to[decl.Name.Name] = true
		}
	case *ast.GenDecl:
		for _, s := range decl.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				to[s.Name.Name] = true
			case *ast.ValueSpec:
				for _, name := range s.Names {
					to[name.Name] = true
				}
			}
		}
	}
}
