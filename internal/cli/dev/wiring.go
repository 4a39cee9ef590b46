package dev

import (
	"bytes"
	"io"
	"path/filepath"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/cli/view"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// wiring writes the configuration files of dev's Envoy: a bootstrap, and the listeners. Envoy
// reads the listeners again whenever the file is replaced.
type wiring struct {
	dir     string
	options bootstrap.Options
	written []byte // the last content of the listeners' file
}

func (w *wiring) bootstrap() string { return filepath.Join(w.dir, "envoy.yaml") }
func (w *wiring) listeners() string { return filepath.Join(w.dir, "listeners.yaml") }

// writeBootstrap writes the part that never changes.
func (w *wiring) writeBootstrap() error {
	w.options.ListenersFile = w.listeners()
	return w.write(w.bootstrap(), func(out io.Writer) error { return bootstrap.Render(out, w.options) })
}

// update writes the listeners for the filters of a view, and says whether they have changed.
func (w *wiring) update(v *view.View) (rewired bool, err error) {
	o := w.options
	o.Filters = nil
	for i := range v.Filters {
		if f := &v.Filters[i]; wired(f) {
			o.Filters = append(o.Filters, bootstrap.Filter{Name: f.Name, Type: spec.Type(f.Type)})
		}
	}
	var text bytes.Buffer
	if err := bootstrap.RenderListeners(&text, o); err != nil {
		return false, err
	}
	if bytes.Equal(text.Bytes(), w.written) {
		return false, nil
	}
	w.written = text.Bytes()
	return true, w.write(w.listeners(), func(out io.Writer) error { _, err := out.Write(w.written); return err })
}

// write replaces a file by a rename, because Envoy watches for renames.
func (w *wiring) write(path string, content func(io.Writer) error) error {
	file, err := atomicfile.Create(w.dir)
	if err != nil {
		return err
	}
	defer file.Discard()
	if err := content(file); err != nil {
		return err
	}
	return file.CommitUnsynced(filepath.Base(path), 0o600)
}
