package adopt

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// wasmFilter is a static Wasm filter on the way to a spec.
type wasmFilter struct {
	*spec.EnvoyFilter
	name string
	kind spec.Type
	pos  spec.Position
	vmID string // in place of that in the file; "": the file's own
}

// key identifies the filter's content: two filters with the same key need only a single spec.
func (w *wasmFilter) key() string { return w.Text("", "", w.vmID) + string(w.Inline) }

// vmKey identifies the filter's VM: Envoy runs filters with the same key in one VM.
func (w *wasmFilter) vmKey() string {
	vm, _ := json.Marshal([]any{w.Spec.VM, w.Spec.Capabilities}) // a spec always has a JSON form
	return w.code() + string(vm)
}

// code identifies the code of the module.
func (w *wasmFilter) code() string {
	m := w.Spec.Module
	if m.File == nil {
		return m.URL + m.OCI.String() + "\n" + m.SHA256
	}
	return m.File.As + "\n" + string(w.Inline)
}

// fromFile says whether the module becomes a file beside the spec.
func (w *wasmFilter) fromFile() bool { return w.Spec.Module.File != nil }

// stem is the name of the module's file without the extension; "": the module has no file.
func (w *wasmFilter) stem() string {
	name := path.Base(w.Spec.Module.URL)
	if w.fromFile() && w.Inline == nil {
		name = path.Base(w.Spec.Module.File.As)
	}
	name = name[:len(name)-len(path.Ext(name))]
	if name == "" || name == "." || name == "/" {
		return ""
	}
	return nameOf(name)
}

// moduleFile is the module to write beside the spec; nil: the spec names another place.
func (w *wasmFilter) moduleFile() *ModuleFile {
	if !w.fromFile() {
		return nil
	}
	file := &ModuleFile{Name: w.fileStem() + ".wasm", Bytes: w.Inline, Pos: w.Spec.Module.Pos}
	if w.Inline == nil {
		file.From = w.Spec.Module.File.As
	}
	return file
}

// nameOf makes a name for a spec of a text.
func nameOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 128 && (r == '.' || r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z') {
			return r
		}
		return '_'
	}, text)
}

// fileStem is the name of the spec's file, without the extension.
func (w *wasmFilter) fileStem() string { return strings.ReplaceAll(w.name, "/", "_") }

// text writes the spec.
func (w *wasmFilter) text(from string) []byte {
	file := ""
	if w.fromFile() {
		file = "./" + w.fileStem() + ".wasm"
	}
	return fmt.Appendf(nil, "# Taken out of %s, line %d, by `wasm-xds adopt`.\n%s", from, w.pos.Line, w.Text(w.name, file, w.vmID))
}

var plain = regexp.MustCompile(`^[A-Za-z_./][A-Za-z0-9_./-]*$`)

// scalar returns the text as a scalar of YAML.
func scalar(text string) string {
	if plain.MatchString(text) && !slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n", ".", "..", "."}, strings.ToLower(text)) &&
		!strings.HasPrefix(text, ".i") && !strings.HasPrefix(text, ".n") && !strings.HasPrefix(text, ".I") && !strings.HasPrefix(text, ".N") {
		return text
	}
	return envoyconfig.Quote(text)
}
