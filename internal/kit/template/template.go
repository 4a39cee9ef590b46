// Package template has the projects that `wasm-xds init` begins with: a filter for each language
// and kind, with a spec, tests and a README.
//
// The templates are the files in the directory files. A project has the files of its language's
// directory base and of the directory of its kind, and the spec of the kind, which is the same in
// all languages. So a kind behaves equally in all languages, and a single list of tests holds all
// of them. The word my-filter stands for the name of the filter.
//
// The package is pure: [Files] returns the files of a project, and writes none.
package template

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"text/template"
)

//go:embed all:files
var embedded embed.FS

// SchemaURL is the JSON Schema of specs, for the comment of language servers for YAML.
const SchemaURL = "https://wasm-xds.github.io/wasm-xds/spec.schema.json"

// File is a file of a project.
type File struct {
	Path string // relative to the project, with slashes
	Text []byte
}

// Options choose a project.
type Options struct {
	Name     string // see [CheckName]
	Language string // one of [Languages]
	Kind     Kind   // one of [Kinds]
}

// placeholder is the name of the filter in the templates.
const placeholder = "my-filter"

// Files returns the files of a project. The options are valid.
func Files(o Options) ([]File, error) {
	language := languages()[slices.IndexFunc(languages(), func(l language) bool { return l.id == o.Language })]
	spec, err := embedded.ReadFile("files/spec/" + o.Kind.dir() + ".yaml")
	if err != nil {
		return nil, err
	}
	files := []File{{placeholder + ".yaml", bytes.Replace(spec, []byte("SCHEMA-URL"), []byte(SchemaURL), 1)}}
	for _, dir := range []string{"base", o.Kind.dir()} {
		more, err := directory("files/" + o.Language + "/" + dir)
		if err != nil {
			return nil, err
		}
		files = append(files, more...)
	}
	readme, err := readme(language, o.Kind)
	if err != nil {
		return nil, err
	}
	files = append(files, File{"README.md", readme})
	for i := range files {
		files[i].Path = named(files[i].Path, o.Name)
		files[i].Text = []byte(named(string(files[i].Text), o.Name))
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

// directory returns the files of a directory of templates. The suffix .tmpl hides sources from
// tools that would take them for a part of this program; gitignore has no dot for the same reason.
func directory(dir string) ([]File, error) {
	var files []File
	err := fs.WalkDir(embedded, dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := embedded.ReadFile(name)
		if err != nil {
			return err
		}
		place := strings.TrimSuffix(strings.TrimPrefix(name, dir+"/"), ".tmpl")
		if path.Base(place) == "gitignore" {
			place = path.Join(path.Dir(place), ".gitignore")
		}
		files = append(files, File{place, text})
		return nil
	})
	return files, err
}

// named puts the name into a template, also at the beginning of a sentence.
func named(text, name string) string {
	text = strings.ReplaceAll(text, placeholder, name)
	capital := func(word string) string { return strings.ToUpper(word[:1]) + word[1:] }
	return strings.ReplaceAll(text, capital(placeholder), capital(name))
}

const readmeText = `# my-filter

{{.Kind.Sentence}} Written in {{.Language.Name}}.

| file | |
|---|---|
{{range .Language.Files}}| ` + "`{{index . 0}}`" + ` | {{index . 1}} |
{{end}}| ` + "`my-filter.yaml`" + ` | the spec: configuration, failure policy and tests |

## Try it

` + "```sh" + `
wasm-xds dev . --request '{{.Kind.Request}}'
` + "```" + `

builds the filter, runs its tests, loads it into an Envoy of its own, and sends the request. Edit and
save a file: the new filter is live at once, and the change of the response is shown. A filter that
does not build, or fails a test, is not loaded: the last good one runs on.

` + "```sh" + `
wasm-xds build      # once, into build/my-filter.wasm, with the tests
wasm-xds check .    # the tests again, without a build
` + "```" + `

## Needs

{{.Language.Needs}} The compiler alone:

` + "```sh" + `
{{.Language.Command}}
` + "```" + `

## In production

` + "`wasm-xds serve`" + ` takes my-filter.yaml and the module as they are; ` + "`wasm-xds push`" + ` puts both into a registry.
`

// readme is the README of a project.
func readme(l language, k Kind) ([]byte, error) {
	t, err := template.New("README").Parse(readmeText)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{"Kind": k, "Language": l})
	return out.Bytes(), err
}
