// Package bootstrap writes an Envoy bootstrap that takes its Wasm filters from wasm-xds. The
// bootstrap is complete, has comments, and is ready for `envoy -c`.
//
// [Options] become a view with all defaults (view.go), and the view fills bootstrap.yaml.tmpl. The
// functions are pure, apart from the writer.
package bootstrap

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"text/template"
)

//go:embed bootstrap.yaml.tmpl
var text string

// Render writes the bootstrap as YAML. Equal options give equal bytes.
func Render(w io.Writer, o Options) error { return render(w, "bootstrap.yaml", o) }

// RenderListeners writes only the listeners, as a file for Envoy's LDS. The file has both the HTTP
// and the TCP listener, with or without filters. Envoy notices a change only when the file is
// replaced by a rename.
func RenderListeners(w io.Writer, o Options) error { return render(w, "listeners", o) }

func render(w io.Writer, name string, o Options) error {
	v, err := newView(o)
	if err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	t, err := parse()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, name, v); err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	_, err = w.Write(out.Bytes())
	return err
}

// parse reads the template.
func parse() (*template.Template, error) {
	t := template.New("bootstrap.yaml")
	t.Funcs(template.FuncMap{
		"quote": quote,
		"lines": func(prefix, name string, data any) (string, error) { return lines(t, prefix, name, data) },
	})
	if _, err := t.Parse(text); err != nil {
		return nil, fmt.Errorf("bootstrap: %w", err)
	}
	return t, nil
}

// lines renders a named template and puts a prefix before each line. So the same text serves at
// every depth of indentation, and as a comment.
func lines(t *template.Template, prefix, name string, data any) (string, error) {
	var out strings.Builder
	if err := t.ExecuteTemplate(&out, name, data); err != nil {
		return "", err
	}
	body := strings.Trim(out.String(), "\n")
	return prefix + strings.ReplaceAll(body, "\n", "\n"+prefix), nil
}
