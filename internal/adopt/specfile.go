package adopt

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// wasmFilter is a static Wasm filter, in the words of a spec.
type wasmFilter struct {
	name   string
	kind   spec.Type
	plugin string // the plugin's own name
	pos    spec.Position

	module  source
	rootID  string
	config  value
	policy  spec.FailurePolicy // "": closed
	backoff string             // as in Go; "": the default
	stop    string             // allowOnHeadersStopIteration: true or false; "": Envoy's default

	vmID         string
	runtime      string // "": v8
	vmConfig     value
	env          map[string]string
	hostEnv      []string
	precompiled  bool
	capabilities []string // nil: unrestricted
}

// source is the origin of a module. Exactly a single field of file, bytes and url is set.
type source struct {
	file   string // as Envoy sees the path
	bytes  []byte
	url    string
	sha256 string
	pos    spec.Position
}

// value is a configuration. as is empty if there is none.
type value struct {
	as   spec.ConfigType
	text string // for a Struct, JSON
}

// fileStem is the name of the spec's file, without the extension.
func (w *wasmFilter) fileStem() string { return strings.ReplaceAll(w.name, "/", "_") }

// key identifies the filter's content: two filters with the same key need only a single spec.
func (w *wasmFilter) key() string {
	anonymous := *w
	anonymous.name, anonymous.pos, anonymous.module.pos = "", spec.Position{}, spec.Position{}
	return fmt.Sprintf("%#v", anonymous)
}

// text writes the spec.
func (w *wasmFilter) text(from string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Taken out of %s, line %d, by `wasm-xds adopt`.\n", from, w.pos.Line)
	field := func(indent, key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s%s: %s\n", indent, key, value)
		}
	}
	field("", "name", scalar(w.name))
	if w.kind == spec.Network {
		field("", "type", string(spec.Network))
	}
	b.WriteString("module:\n")
	if w.module.url != "" {
		field("  ", "url", scalar(w.module.url))
		field("  ", "sha256", scalar(w.module.sha256))
	} else {
		field("  ", "file", scalar("./"+w.fileStem()+".wasm"))
	}
	field("", "rootId", optional(w.rootID))
	w.config.write(&b, "", "config", "configType")
	field("", "failurePolicy", string(w.policy))
	field("", "reloadBackoff", w.backoff)
	field("", "allowOnHeadersStopIteration", w.stop)
	w.writeVM(&b)
	switch {
	case w.capabilities == nil:
	case len(w.capabilities) == 0:
		b.WriteString("capabilities: []\n")
	default:
		b.WriteString("capabilities:\n")
		for _, name := range w.capabilities {
			fmt.Fprintf(&b, "- %s\n", scalar(name))
		}
	}
	return b.Bytes()
}

func (w *wasmFilter) writeVM(b *bytes.Buffer) {
	var vm bytes.Buffer
	if w.vmID != "" {
		fmt.Fprintf(&vm, "  id: %s\n", scalar(w.vmID))
	}
	if w.runtime != "" {
		fmt.Fprintf(&vm, "  runtime: %s\n", scalar(w.runtime))
	}
	w.vmConfig.write(&vm, "  ", "config", "configType")
	if len(w.env) > 0 {
		vm.WriteString("  env:\n")
		for _, name := range slices.Sorted(maps.Keys(w.env)) {
			fmt.Fprintf(&vm, "    %s: %s\n", scalar(name), envoyconfig.Quote(w.env[name]))
		}
	}
	if len(w.hostEnv) > 0 {
		vm.WriteString("  hostEnv:\n")
		for _, name := range w.hostEnv {
			fmt.Fprintf(&vm, "  - %s\n", scalar(name))
		}
	}
	if w.precompiled {
		vm.WriteString("  allowPrecompiled: true\n")
	}
	if vm.Len() > 0 {
		b.WriteString("vm:\n")
		_, _ = vm.WriteTo(b) // a buffer takes everything
	}
}

// write writes a configuration. Text on several lines keeps them.
func (v value) write(b *bytes.Buffer, indent, key, typeKey string) {
	switch v.as {
	case "":
		return
	case spec.ConfigStruct:
		fmt.Fprintf(b, "%s%s: struct\n%s%s: %s\n", indent, typeKey, indent, key, v.text)
		return
	case spec.ConfigBytes:
		fmt.Fprintf(b, "%s%s: bytes\n", indent, typeKey)
	}
	body, literal := strings.CutSuffix(v.text, "\n")
	if !literal || !literalText.MatchString(body) {
		fmt.Fprintf(b, "%s%s: %s\n", indent, key, envoyconfig.Quote(v.text))
		return
	}
	fmt.Fprintf(b, "%s%s: |\n", indent, key)
	for line := range strings.SplitSeq(body, "\n") {
		if line != "" {
			line = indent + "  " + line
		}
		b.WriteString(line + "\n")
	}
}

// literalText matches texts that a literal scalar of YAML can hold unchanged.
var literalText = regexp.MustCompile(`^[\x21-\x7e][\x20-\x7e\n]*[\x21-\x7e]$`)

var plain = regexp.MustCompile(`^[A-Za-z_./][A-Za-z0-9_./-]*$`)

func optional(text string) string {
	if text == "" {
		return ""
	}
	return scalar(text)
}

// scalar returns the text as a scalar of YAML.
func scalar(text string) string {
	if plain.MatchString(text) && !slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n", ".", "..", "."}, strings.ToLower(text)) &&
		!strings.HasPrefix(text, ".i") && !strings.HasPrefix(text, ".n") && !strings.HasPrefix(text, ".I") && !strings.HasPrefix(text, ".N") {
		return text
	}
	return envoyconfig.Quote(text)
}
