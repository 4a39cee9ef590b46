package dev

import (
	"bytes"
	"io"
	"path/filepath"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/cli/view"
	"github.com/wasm-xds/wasm-xds/internal/serve"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// wiring writes the configuration of Envoy for the filters of a server.
type wiring interface {
	// bootstrap is the path for envoy -c.
	bootstrap() string
	// connect takes the addresses of the server, before begin.
	connect(a serve.Addresses)
	// begin writes the bootstrap for the filters of the first view.
	begin(v *view.View) error
	// update takes the filters of a later view, and says whether that has changed the listeners.
	update(v *view.View) (rewired bool, err error)
	// addresses are the host:port for requests through HTTP and network filters; "": none.
	addresses() (http, tcp string)
}

// generated is the wiring of an Envoy without a configuration of the user's: a bootstrap, and the
// listeners. Envoy reads the listeners again whenever the file is replaced.
type generated struct {
	dir     string
	options bootstrap.Options
	written []byte // the last content of the listeners' file
}

func (w *generated) bootstrap() string { return filepath.Join(w.dir, "envoy.yaml") }
func (w *generated) listeners() string { return filepath.Join(w.dir, "listeners.yaml") }

func (w *generated) connect(a serve.Addresses) {
	w.options.XDSAddress, w.options.ModulesAddress = a.XDS, a.Modules
}

func (w *generated) addresses() (http, tcp string) {
	return w.options.ListenAddress, w.options.TCPListenAddress
}

// begin writes the part that never changes, and the listeners.
func (w *generated) begin(v *view.View) error {
	w.options.ListenersFile = w.listeners()
	if err := w.write(w.bootstrap(), func(out io.Writer) error { return bootstrap.Render(out, w.options) }); err != nil {
		return err
	}
	_, err := w.update(v)
	return err
}

// update writes the listeners for the filters of a view, and says whether they have changed.
func (w *generated) update(v *view.View) (rewired bool, err error) {
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
func (w *generated) write(path string, content func(io.Writer) error) error {
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
