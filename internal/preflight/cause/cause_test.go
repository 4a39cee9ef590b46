package cause

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

var updateDocs = flag.Bool("update-docs", false, "write the generated part of docs/preflight.md anew")

// TestEachCauseIsFound: the example of each row is told by that row, in a log
// and, where the check has it, in its step.
func TestEachCauseIsFound(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows() {
		t.Run(r.code, func(t *testing.T) {
			if seen[r.code] {
				t.Error("the code is taken")
			}
			seen[r.code] = true
			if r.means == "" || r.do == "" || r.example == "" || strings.HasSuffix(r.do, ".") || strings.HasSuffix(r.means, ".") {
				t.Errorf("a poor row: %+v", *r.cause)
			}
			if r.code != "foreign_import" {
				e, ok := explainLine("[2026-11-23 05:17:11.202][12][error][wasm] [source/x.cc:38] " + r.example)
				if !ok || e.Code != r.code {
					t.Errorf("%q is told as %+v", r.example, e)
				}
				if strings.Contains(e.Means+e.Do, "{}") {
					t.Errorf("not filled in: %+v", e)
				}
			}
			for _, step := range r.steps {
				if code, means, do, ok := causeOf(step, r.example); !ok || code != r.code || means == "" || do == "" {
					t.Errorf("in step %s %q has the cause %q", step, r.example, code)
				}
			}
		})
	}
}

// TestFamilies: rules go by families of names, not by single ones.
func TestFamilies(t *testing.T) {
	for name, code := range map[string]string{
		"env.time.Sleep":                            "tinygo_time",
		"env.time.startTimer":                       "tinygo_time",
		"env.time.stopTimer (i):i":                  "tinygo_time",
		"env.runtime.ticks":                         "tinygo_runtime",
		"env.internal/poll.runtime_pollServerInit":  "tinygo_runtime",
		"env.sync.runtime_notifyListAdd":            "tinygo_sync",
		"env.sync/atomic.CompareAndSwapUint32":      "tinygo_sync",
		"env.syscall/js.valueCall":                  "tinygo_syscall",
		"env.syscall.runtime_envs":                  "tinygo_syscall",
		"env.os.runtime_args":                       "tinygo_syscall",
		"gojs.syscall/js.valueGet":                  "go_js",
		"go.runtime.wasmExit":                       "go_js",
		"wasi_snapshot_preview1.fd_filestat_get":    "wasi_files",
		"wasi_snapshot_preview1.fd_pread":           "wasi_files",
		"wasi_unstable.fd_prestat_dir_name":         "wasi_files",
		"wasi_snapshot_preview1.path_open":          "wasi_files",
		"wasi_snapshot_preview1.path_filestat_get":  "wasi_files",
		"wasi_snapshot_preview1.fd_readdir":         "wasi_files",
		"wasi_snapshot_preview1.sock_recv":          "wasi_sockets",
		"wasi_snapshot_preview1.sock_shutdown":      "wasi_sockets",
		"wasi_snapshot_preview1.path_link":          "wasi_signature",
		"wasi_snapshot_preview1.clock_res_get":      "wasi_clock",
		"wasi_snapshot_preview2.fd_write":           "wasi_unknown",
		"env.proxy_continue_request":                "sdk_too_old",
		"env.proxy_clear_route_cache":               "sdk_too_old",
		"env.proxy_close_stream":                    "sdk_too_new",
		"env.proxy_on_tick":                         "unknown_host_function",
		"env.envoy_get_secret":                      "unknown_host_function",
		"env.emscripten_resize_heap":                "emscripten",
		"env.invoke_vii":                            "emscripten",
		"env.__indirect_function_table":             "imported_memory",
		"GOT.mem.__heap_base":                       "imported_memory",
		"wbg.__wbg_now_1":                           "wasm_bindgen",
		"env.__wbindgen_throw":                      "wasm_bindgen",
		"wasi:io/streams@0.2.0.[method]stream.read": "component_import",
		"env.crypto_verify":                         "undefined_symbol",
		"fastly_log.write":                          "foreign_import",
	} {
		if got, _, _, _ := causeOf(finding.StepImports, name); got != code {
			t.Errorf("%s: got %q, want %q", name, got, code)
		}
	}
	if _, _, _, ok := causeOf(finding.StepConfigure, "nothing that anybody knows"); ok {
		t.Error("found a cause for nothing")
	}
}

// TestProblemsHaveCauses: each code of the check has a row with something to do.
func TestProblemsHaveCauses(t *testing.T) {
	for code, step := range map[string]finding.Step{
		finding.CodeTooLarge: finding.StepParse, finding.CodeNotWasm: finding.StepParse, finding.CodeMalformed: finding.StepParse, finding.CodeABIMissing: finding.StepABI, finding.CodeABISeveral: finding.StepABI,
		finding.CodeImportGlobal: finding.StepImports, finding.CodeImportKind: finding.StepImports, finding.CodeExportSignature: finding.StepExports, finding.CodeMallocMissing: finding.StepExports,
		finding.CodeMemoryMissing: finding.StepMemory, finding.CodeMemoryLimit: finding.StepMemory, finding.CodeInstantiate: finding.StepInstantiate, finding.CodeStart: finding.StepStart,
		finding.CodeRestrictedCallback: finding.StepStart, finding.CodeVMStart: finding.StepVMStart, finding.CodeVMStartRefused: finding.StepVMStart, finding.CodeConfigure: finding.StepConfigure,
		finding.CodeConfigureRefused: finding.StepConfigure, finding.CodeTimeout: finding.StepConfigure, finding.CodeHostCalls: finding.StepConfigure,
	} {
		p := With(finding.Problem{Step: step, Code: code, Message: "it is wrong"})
		if p.Hint == "" || p.Message != "it is wrong" || strings.Contains(p.Message+p.Hint, "{}") {
			t.Errorf("%s: %+v", code, p)
		}
	}
}

func TestWith(t *testing.T) {
	p := With(finding.Problem{
		Step: finding.StepImports, Code: finding.CodeImportMissing, Message: "Envoy lacks 3 functions that the module imports",
		Functions: []finding.Function{
			{Module: "env", Name: "time.resetTimer"},
			{Module: "env", Name: "time.stopTimer"},
			{Module: "wasi_snapshot_preview1", Name: "sock_accept"},
		},
	})
	for _, want := range []string{"time.resetTimer", "sock_accept", "; "} {
		if !strings.Contains(p.Message, want) {
			t.Errorf("%q does not say %q", p.Message, want)
		}
	}
	if strings.Contains(p.Message, "stopTimer") || strings.Count(p.Hint, "proxy_http_call") != 1 {
		t.Errorf("one cause is told twice: %+v", p)
	}
	mismatch := With(finding.Problem{
		Step: finding.StepImports, Code: finding.CodeImportSignature, Message: "wrong signatures",
		Functions: []finding.Function{{Module: "env", Name: "proxy_log", Signature: "ii:i", Want: "iii:i"}},
	})
	if !strings.Contains(mismatch.Message, "another signature") || mismatch.Code != finding.CodeImportSignature {
		t.Errorf("%+v", mismatch)
	}
	trap := With(finding.Problem{
		Step: finding.StepConfigure, Code: finding.CodeConfigure, Message: "proxy_on_configure trapped",
		Detail: []string{"panicked at src/lib.rs:3:5:"},
	})
	if !strings.Contains(trap.Message, "gave up: panicked at src/lib.rs:3:5") {
		t.Errorf("%+v", trap)
	}
	own := With(finding.Problem{Step: finding.StepMemory, Code: finding.CodeMemoryMissing, Message: "no memory", Hint: "its own"})
	if own.Hint != "its own" {
		t.Errorf("a hint was lost: %+v", own)
	}
}

func TestExplain(t *testing.T) {
	log := "[2026-11-23 05:17:11.202][12][info][main] all clusters initialized\n" +
		"[2026-11-23 05:17:11.202][12][error][wasm] [source/extensions/common/wasm/wasm_vm.cc:38] Failed to load Wasm module due to a missing import: env.time.resetTimer\r\n" +
		"[2026-11-23 05:17:11.203][12][error][wasm] [source/extensions/common/wasm/wasm.cc:109] Wasm VM failed Failed to initialize Wasm code\n" +
		"Unable to create Wasm plugin auth\n" +
		strings.Repeat("x", 3*maxLine) + "\n" +
		"Unable to create Wasm plugin auth\nUnable to create Wasm plugin \x1b[31mother\x1b[0m\n" +
		"no such thing.here at all"
	got, err := Explain(strings.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, e := range got {
		codes = append(codes, e.Code)
		if strings.ContainsAny(e.Text+e.Means+e.Do, "\x1b\n") {
			t.Errorf("not printable: %+v", e)
		}
	}
	if diff := cmp.Diff([]string{"tinygo_time", finding.CodeInstantiate, "plugin_refused", "plugin_refused"}, codes); diff != "" {
		t.Fatal(diff)
	}
	if got[0].Line != 2 || got[2].Line != 4 || got[2].Count != 2 || got[2].Filter != "auth" || !strings.Contains(got[2].Do, "wasm-xds status auth") {
		t.Errorf("%+v", got)
	}
}

func FuzzExplain(f *testing.F) {
	for _, c := range causes() {
		f.Add(c.example)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Explain(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range got {
			if e.Code == "" || e.Count < 1 || e.Line < 1 || strings.ContainsAny(e.Text+e.Means+e.Do, "\x1b\n\x00") {
				t.Errorf("%+v", e)
			}
		}
	})
}

// The generated part of the page lies between these lines.
const (
	docsFile  = "../../../docs/preflight.md"
	docsBegin = "<!-- from here on generated: go test ./internal/preflight/cause -run TestDocs -update-docs -->\n"
	docsEnd   = "<!-- to here -->\n"
)

// TestDocs expects docs/preflight.md to have the table, and docs/envoy-behaviour.md to have the
// headings that the table refers to.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile(filepath.FromSlash(docsFile))
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(page), docsBegin)
	have, after, ended := strings.Cut(rest, docsEnd)
	if !begun || !ended {
		t.Fatalf("%s has lost the lines around its generated part", docsFile)
	}
	if *updateDocs {
		if err := os.WriteFile(filepath.FromSlash(docsFile), []byte(before+docsBegin+Markdown()+docsEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(Markdown(), have); diff != "" {
		t.Errorf("%s is not the table; run the test with -update-docs: %s", docsFile, diff)
	}
	facts, err := os.ReadFile(filepath.FromSlash("../../../docs/envoy-behaviour.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range causes() {
		if c.see != "" && !strings.Contains(string(facts), "\n### "+c.see+"\n") {
			t.Errorf("%s refers to %q, which envoy-behaviour.md does not have", c.code, c.see)
		}
	}
}
