package wasmfile_test

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/kit/wasmfile"
	"github.com/wasm-xds/wasm-xds/internal/preflight/static"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const header = "\x00asm\x01\x00\x00\x00"

// custom is a custom section with a name and one more byte.
func custom(name string) string {
	return "\x00" + string(rune(len(name)+2)) + string(rune(len(name))) + name + "!"
}

func TestStrip(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{header, header},
		{header + custom("name") + "\x01\x01\x00" + custom(".debug_info") + custom("producers"), header + "\x01\x01\x00" + custom("producers")},
		{header + custom("precompiled_v8") + custom("sourceMappingURL") + custom("reloc.CODE"), header + custom("precompiled_v8")},
	} {
		if got, err := wasmfile.Strip([]byte(tt.in)); err != nil || string(got) != tt.want {
			t.Errorf("%q: %q, %v", tt.in, got, err)
		}
	}
	for _, broken := range []string{"", "\x7fELF....", header + "\x01", header + "\x01\x7f\x00", header + "\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"} {
		if _, err := wasmfile.Strip([]byte(broken)); !errors.Is(err, wasmfile.ErrNotModule) {
			t.Errorf("%q: %v", broken, err)
		}
	}
}

func FuzzStrip(f *testing.F) {
	f.Add([]byte(header + custom("name") + "\x01\x01\x00"))
	f.Fuzz(func(t *testing.T, module []byte) {
		got, err := wasmfile.Strip(module)
		if err == nil && len(got) > len(module) {
			t.Errorf("%d bytes became %d", len(module), len(got))
		}
	})
}

func TestChange(t *testing.T) {
	function := func(name string) []static.DescribedFunction {
		return []static.DescribedFunction{{Module: "env", Name: name}}
	}
	before := static.Description{SHA256: "a", Size: 100, Imports: function("proxy_log")}
	for want, tt := range map[string]struct {
		before *static.Description
		after  static.Description
	}{
		"first build": {nil, before},
		"unchanged":   {&before, before},
		"same size":   {&before, static.Description{SHA256: "b", Size: 100, Imports: function("proxy_log")}},
		"-1 bytes; calls also proxy_done; calls no more proxy_log; exports also run": {
			&before, static.Description{SHA256: "b", Size: 99, Imports: function("proxy_done"), Exports: function("run")},
		},
	} {
		if got := wasmfile.Change(tt.before, tt.after); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
