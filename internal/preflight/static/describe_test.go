package static

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

func describe(t *testing.T, module []byte) Description {
	t.Helper()
	d, err := Describe(module)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDescribe(t *testing.T) {
	m := testfilter.Importing("env.proxy_log iii:i", "wasi_snapshot_preview1.fd_filestat_get ii:i", "env.time.resetTimer i:", "env.pthread_equal ii:i")
	d := describe(t, m.Bytes())
	if len(d.Envoy) != 0 || len(d.ABIs) != 1 || d.ABIs[0] != "0.2.1" || d.Size != len(m.Bytes()) || len(d.SHA256) != 64 {
		t.Errorf("%+v", d)
	}
	wantImports := []DescribedFunction{
		{Module: "env", Name: "proxy_log", Signature: "(i32 i32 i32) -> (i32)"},
		{Module: "wasi_snapshot_preview1", Name: "fd_filestat_get", Signature: "(i32 i32) -> (i32)", Missing: []string{"1.36", "1.37", "1.38"}},
		{Module: "env", Name: "time.resetTimer", Signature: "(i32) -> ()", Missing: envoy.Versions()},
		{Module: "env", Name: "pthread_equal", Signature: "(i32 i32) -> (i32)"},
	}
	if diff := cmp.Diff(wantImports, d.Imports); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"fd_filestat_get", "proxy_log"}, d.Capabilities); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]DescribedMemory{{Export: "memory", Min: 1}}, d.Memories); diff != "" {
		t.Error(diff)
	}
	var about string
	for _, p := range d.Problems {
		about += p.Message + p.Hint
	}
	if !strings.Contains(about, "proxy_http_call") || !strings.Contains(about, "time.resetTimer") {
		t.Errorf("the problems do not say what to do: %q", about)
	}
	some := describe(t, testfilter.Importing("wasi_snapshot_preview1.fd_filestat_get ii:i").Bytes())
	if diff := cmp.Diff([]string{"1.39", "1.40"}, some.Envoy); diff != "" {
		t.Error(diff)
	}
	none := describe(t, testfilter.Importing().Bytes())
	if none.Capabilities == nil || len(none.Capabilities) != 0 || len(none.Envoy) != len(envoy.Versions()) {
		t.Errorf("%+v", none)
	}
}

func TestDescribeNoModule(t *testing.T) {
	_, err := Describe([]byte("\x7fELF"))
	var p *finding.Problem
	if !errors.As(err, &p) || p.Code != finding.CodeNotWasm {
		t.Errorf("%v", err)
	}
}

// producers is a producers section with a field.
func producers(field, name, version string) []byte {
	out := []byte{1}
	for i, text := range []string{field, name, version} {
		if i == 1 {
			out = append(out, 1)
		}
		out = append(append(out, byte(len(text))), text...)
	}
	return out
}

func TestLanguages(t *testing.T) {
	with := func(change func(*wasmenc.Module)) []byte {
		m := testfilter.Importing()
		change(m)
		return m.Bytes()
	}
	named := func(field, name string) []byte {
		return with(func(m *wasmenc.Module) { m.Custom("producers", producers(field, name, "1.2")) })
	}
	exporting := func(name string) []byte {
		return with(func(m *wasmenc.Module) { m.ExportedFunc(name, wasmenc.Sig(""), 0, nil) })
	}
	for name, test := range map[string]struct {
		module []byte
		want   string
	}{
		"nothing":         {testfilter.Importing().Bytes(), ""},
		"rust":            {named("language", "Rust"), "Rust"},
		"rustc":           {named("processed-by", "rustc"), "Rust"},
		"go":              {named("language", "Go"), "Go"},
		"go build id":     {with(func(m *wasmenc.Module) { m.Custom("go:buildid", []byte{1}) }), "Go"},
		"tinygo":          {exporting("tinygo_unwind"), "Go (TinyGo)"},
		"tinygo's import": {testfilter.Importing("env.runtime.ticks :I").Bytes(), "Go (TinyGo)"},
		"c":               {named("language", "C11"), "C"},
		"c++":             {named("language", "C_plus_plus_14"), "C++"},
		"emscripten":      {testfilter.Importing("env.emscripten_notify_memory_growth i:").Bytes(), "C++"},
		"assemblyscript":  {exporting("__rtti_base"), "AssemblyScript"},
		"stripped rust":   {with(func(m *wasmenc.Module) { m.Data(0, []byte("/rustc/0123/library/core/src/fmt.rs")) }), "Rust"},
	} {
		if got := describe(t, test.module).Language; got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

// TestDescribeExamples expects the language of each example in the repository.
func TestDescribeExamples(t *testing.T) {
	for name, language := range map[string]string{"prime_token": "Rust", "hello": "Go", "tcp_log": "Rust"} {
		module, err := os.ReadFile(filepath.Join("../../../examples/envoy/filters", name+".wasm"))
		if err != nil {
			t.Fatal(err)
		}
		d := describe(t, module)
		if d.Language != language || len(d.Envoy) != len(envoy.Versions()) || len(d.Problems) > 0 {
			t.Errorf("%s: %s, loads in %v: %+v", name, d.Language, d.Envoy, d.Problems)
		}
	}
}

func FuzzDescribe(f *testing.F) {
	f.Add(testfilter.Importing("env.proxy_log iii:i").Bytes())
	m := testfilter.Importing()
	m.Custom("producers", producers("language", "Go", "1"))
	f.Add(m.Bytes())
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x02\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, module []byte) {
		d, err := Describe(module)
		if err == nil && (len(d.Envoy) > 0) == (len(d.Problems) > 0 && len(d.Problems[0].Envoy) == len(envoy.Versions())) {
			t.Errorf("loads in %v, with problems %+v", d.Envoy, d.Problems)
		}
	})
}

func TestLanguageWithoutProducers(t *testing.T) {
	for content, want := range map[string]string{"/usr/local/tinygo/src/runtime": "Go (TinyGo)", "N10__cxxabiv116__shim_type_infoE": "C++"} {
		var m wasmenc.Module
		m.Memory(1)
		m.Data(1024, []byte(content))
		m.Custom("producers", producers("language", "C11", ""))
		if d, err := Describe(m.Bytes()); err != nil || d.Language != want {
			t.Errorf("%s: %+v, %v", content, d.Language, err)
		}
	}
}
