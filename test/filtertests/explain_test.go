package filtertests

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/cause"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// refused returns modules that Envoy refuses, by the expected cause in the explanation of Envoy's
// log.
func refused() map[string][]byte {
	build := func(change func(*wasmenc.Module)) []byte {
		m := &wasmenc.Module{}
		change(m)
		m.Memory(1)
		return m.Bytes()
	}
	abi := func(m *wasmenc.Module) { m.ExportedFunc("proxy_abi_version_0_2_1", wasmenc.Sig(""), 0, nil) }
	malloc := func(m *wasmenc.Module) {
		m.ExportedFunc("malloc", wasmenc.Sig("i:i"), 0, wasmenc.Code{}.I32Const(1024))
	}
	whole := func(change func(*wasmenc.Module)) []byte {
		return build(func(m *wasmenc.Module) { change(m); abi(m); malloc(m) })
	}
	imports := func(name, signature string) []byte {
		return whole(func(m *wasmenc.Module) {
			module, name, _ := strings.Cut(name, ".")
			m.Import(module, name, wasmenc.Sig(signature))
		})
	}
	callback := func(name string, body wasmenc.Code) []byte {
		return whole(func(m *wasmenc.Module) { m.ExportedFunc(name, wasmenc.Sig("ii:i"), 0, body) })
	}
	return map[string][]byte{
		"tinygo_time":                imports("env.time.resetTimer", "i:"),
		"wasi_unknown":               imports("wasi_snapshot_preview1.proc_raise", "i:i"),
		"sdk_too_old":                imports("env.proxy_get_configuration", "ii:i"),
		finding.CodeImportSignature:  imports("env.proxy_log", "ii:i"),
		finding.CodeABIMissing:       build(malloc),
		finding.CodeMallocMissing:    build(abi),
		finding.CodeMalformed:        append(build(abi), 0xff, 0xff),
		finding.CodeExportSignature:  callback("proxy_on_request_headers", wasmenc.Code{}.I32Const(0)),
		finding.CodeVMStartRefused:   callback("proxy_on_vm_start", wasmenc.Code{}.I32Const(0)),
		finding.CodeConfigureRefused: callback("proxy_on_configure", wasmenc.Code{}.I32Const(0)),
		finding.CodeConfigure:        callback("proxy_on_configure", wasmenc.Code{}.Unreachable()),
		finding.CodeVMStart:          callback("proxy_on_vm_start", wasmenc.Code{}.Unreachable()),
	}
}

// TestExplainsEnvoysLog expects an explanation of Envoy's log to name the cause of a refusal.
func TestExplainsEnvoysLog(t *testing.T) {
	for _, version := range []string{"1.36.4", harness.DefaultVersion} {
		for code, module := range refused() {
			t.Run(version+" "+code, func(t *testing.T) {
				log := refusal(t, version, module)
				found, err := cause.Explain(strings.NewReader(log))
				if err != nil {
					t.Fatal(err)
				}
				var codes []string
				for _, e := range found {
					codes = append(codes, e.Code)
				}
				if !slices.Contains(codes, code) || !slices.Contains(codes, "plugin_refused") {
					t.Errorf("explained as %q:\n%s", codes, log)
				}
			})
		}
	}
}

// refusal returns the log of an Envoy that ends because of the module in the bootstrap.
func refusal(t *testing.T, version string, module []byte) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "bad.wasm")
	s := &spec.Spec{Name: "auth", Module: spec.Module{File: &spec.FileRef{Path: path}}}
	text := bootstrap(s, harness.FreePort(t), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}, httpChain)
	for name, content := range map[string][]byte{"bad.wasm": module, "envoy.yaml": []byte(text)} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // Envoy exits unless the module loads
	defer cancel()
	log, err := exec.CommandContext(ctx, harness.Envoy(t, version), "-c", filepath.Join(dir, "envoy.yaml"),
		"--concurrency", "1", "--disable-hot-restart").CombinedOutput()
	if err == nil {
		t.Error("the Envoy took the module")
	}
	return string(log)
}
