package static

import (
	"bytes"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
)

// toolchain returns the tools in the producers section, without the language.
func toolchain(m *wasmbin.Module) []string {
	all := []string{}
	for _, p := range m.Producers {
		if p.Field == "language" {
			continue
		}
		// Some compilers give a long greeting as their version; its first words are enough.
		entry := finding.OneLine(strings.TrimSpace(p.Name + " " + p.Version))
		if !slices.Contains(all, entry) {
			all = append(all, entry)
		}
	}
	return all
}

// language returns the language in the producers section. If the section is stripped, it recognizes
// a toolchain's runtime by its marks.
func language(m *wasmbin.Module, module []byte) string {
	marks := marksOf(m)
	if marks.tinygo || bytes.Contains(module, []byte("tinygo")) { // paths in its debug data; TinyGo links C, and says so
		return "Go (TinyGo)"
	}
	var named []string
	for _, p := range m.Producers {
		if p.Field == "language" && !slices.Contains(named, p.Name) {
			named = append(named, p.Name)
		}
	}
	// Rust and Zig link C, and say so.
	for _, one := range named {
		if one != "C" && !strings.HasPrefix(one, "C11") && !strings.HasPrefix(one, "C99") && !strings.HasPrefix(one, "C_plus_plus") {
			return finding.OneLine(one)
		}
	}
	switch {
	case marks.assemblyScript:
		return "AssemblyScript"
	case marks.rust, bytes.Contains(module, []byte("/rustc/")), bytes.Contains(module, []byte("library/std/src/")):
		return "Rust" // the paths in the messages of its panics
	case marks.golang:
		return "Go"
	case marks.cpp, bytes.Contains(module, []byte("N10__cxxabiv1")), bytes.Contains(module, []byte("NSt3__2")), slices.ContainsFunc(named, func(s string) bool { return strings.HasPrefix(s, "C_plus_plus") }):
		return "C++"
	case len(named) > 0:
		return "C"
	}
	return ""
}

type marks struct{ tinygo, golang, rust, assemblyScript, cpp bool }

func marksOf(module *wasmbin.Module) marks {
	var m marks
	for _, p := range module.Producers {
		m.tinygo = m.tinygo || strings.Contains(strings.ToLower(p.Name), "tinygo")
		m.rust = m.rust || p.Name == "rustc"
	}
	for _, s := range module.Sections {
		m.golang = m.golang || s.Name == "go:buildid" || s.Name == "go.buildid"
	}
	for _, f := range module.Exports {
		switch {
		case strings.HasPrefix(f.Name, "tinygo_"), f.Name == "asyncify_start_unwind":
			m.tinygo = true
		case f.Name == "__pin", f.Name == "__rtti_base", f.Name == "__collect":
			m.assemblyScript = true
		case f.Name == "__errno_location", f.Name == "emscripten_stack_get_end", f.Name == "_emscripten_stack_restore":
			m.cpp = true
		case strings.HasPrefix(f.Name, "_ZN"), strings.HasPrefix(f.Name, "_RN"):
			m.rust = m.rust || strings.Contains(f.Name, "17h") || strings.HasPrefix(f.Name, "_RN")
		}
	}
	for _, f := range module.Imports {
		switch {
		case f.Module == envoy.ModuleEnv && f.Name == "abort":
			m.assemblyScript = true
		case f.Module == envoy.ModuleEnv && strings.HasPrefix(f.Name, "emscripten_"):
			m.cpp = true
		case f.Module == envoy.ModuleEnv && (strings.HasPrefix(f.Name, "runtime.") || strings.HasPrefix(f.Name, "time.")):
			m.tinygo = true
		}
	}
	return m
}
