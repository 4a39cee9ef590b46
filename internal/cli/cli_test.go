package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"wasm-xds": func() {
			os.Exit(Run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

// TestScripts runs the scripts in testdata/script: files in, printed text out.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// module writes the smallest file that is a Wasm module.
			"module": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte("\x00asm\x01\x00\x00\x00"), 0o600))
			},
			// filter writes a filter that lets all requests pass, and has the given imports.
			"filter": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), passthrough(args[1:]).Bytes(), 0o600))
			},
			// echoenv writes a filter that shows an environment variable in the response header
			// x-env.
			"echoenv": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), testfilter.HTTP{EchoEnv: args[1]}.Module(), 0o600))
			},
			// answerconfig writes a filter that answers with its configuration.
			"answerconfig": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), testfilter.HTTP{AnswerConfig: true}.Module(), 0o600))
			},
			// binary writes a file that is not text.
			"binary": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte("\xff\x00\xfe"), 0o600))
			},
			// leak writes a filter that takes a page of memory for each request.
			"leak": func(ts *testscript.TestScript, _ bool, args []string) {
				m := passthrough(nil)
				m.ExportedFunc("proxy_on_request_headers", wasmenc.Sig("iii:i"), 0, wasmenc.Code{}.I32Const(1).MemoryGrow().Drop().I32Const(0))
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), m.Bytes(), 0o600))
			},
		},
	})
}

// passthrough is a filter without any effect, with the imports "module.name" of the type ii:i.
func passthrough(imports []string) *wasmenc.Module {
	m := &wasmenc.Module{}
	for _, one := range imports {
		from, name, _ := strings.Cut(one, ".")
		m.Import(from, name, wasmenc.Sig("ii:i"))
	}
	m.Memory(1)
	m.ExportedFunc("proxy_abi_version_0_2_1", wasmenc.Sig(""), 0, nil)
	m.ExportedFunc("malloc", wasmenc.Sig("i:i"), 0, wasmenc.Code{}.I32Const(1024))
	return m
}

// run is one call of the program, in this process.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, problems bytes.Buffer
	code = Run(t.Context(), args, strings.NewReader(""), &out, &problems)
	return code, out.String(), problems.String()
}

// TestExplainHasTheAPIsFieldNames: message and hint, as in other errors.
func TestExplainHasTheAPIsFieldNames(t *testing.T) {
	_, stdout, _ := run(t, "explain", "-o", "json", "Failed to load Wasm module due to a missing import: env.proxy_x")
	var out struct {
		Explanations []struct{ Code, Message, Hint, Means, Do string }
	}
	if err := json.Unmarshal([]byte(stdout), &out); err != nil || len(out.Explanations) != 1 {
		t.Fatalf("%v: %s", err, stdout)
	}
	if e := out.Explanations[0]; e.Code == "" || e.Message == "" || e.Message != e.Means || e.Hint == "" || e.Hint != e.Do {
		t.Errorf("%+v", e)
	}
}
