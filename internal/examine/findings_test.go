package examine_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func decoded(t *testing.T, text string) *spec.Spec {
	t.Helper()
	specs, errs, _ := spec.Decode("/specs/auth.yaml", []byte("module: {file: a.wasm}\n"+text))
	if len(specs) != 1 {
		t.Fatalf("%v", errs)
	}
	return specs[0]
}

const withTest = `tests:
- name: strangers
  request: {headers: {token: wrong}}
  expect: {response: {status: 403}}
`

const withToken = `tests:
- name: its own
  request: {headers: {token: "ok"}}
  expect: {response: {status: 200}}
`

// tokenOrTrap traps each request without a token.
func tokenOrTrap() []byte {
	var m wasmenc.Module
	get := m.Import("env", "proxy_get_header_map_value", wasmenc.Sig("iiiii:i"))
	text := wasmenc.NewText(1024)
	m.Memory(1)
	m.ExportedFunc("proxy_abi_version_0_2_1", wasmenc.Sig(""), 0, nil)
	m.ExportedFunc("malloc", wasmenc.Sig("i:i"), 0, wasmenc.Code{}.I32Const(4096))
	m.ExportedFunc("proxy_on_request_headers", wasmenc.Sig("iii:i"), 0, wasmenc.Code{}.
		I32Const(0).Then(text.Push("token")).I32Const(16).I32Const(20).Call(get).
		If(wasmenc.Code{}.Unreachable()).I32Const(0))
	m.Text(text)
	return m.Bytes()
}

// The key of findings has each input of the sandbox, and nothing else.
func TestKey(t *testing.T) {
	const sum = "0123"
	key := func(text string) string {
		s := decoded(t, text)
		return examine.Key(examine.Enforce, s, sum, s.Config)
	}
	plain := key("")
	seen := map[string]string{plain: "nothing"}
	for _, text := range []string{
		"name: other\n", "rootId: a\n", "config: a\n", "config: ''\n", "vm: {config: a}\n", "vm: {id: a}\n", "vm: {env: {A: b}}\n",
		"vm: {runtime: wamr}\n", "vm: {hostEnv: [A]}\n", "failurePolicy: open\n", "allowOnHeadersStopIteration: true\n", "capabilities: [proxy_log]\n",
		"capabilities: []\n", "capabilities: auto\n", "type: network\n", withTest, strings.ReplaceAll(withTest, "403", "401"),
		"smoke: off\n", "limits: {memory: 1Mi}\n", "limits: {timePerRequest: 1ms}\n",
	} {
		k := key(text)
		if other, ok := seen[k]; ok {
			t.Errorf("%q and %q have one key", text, other)
		}
		seen[k] = text
	}
	for _, text := range []string{"# a comment\n", "rollout: {canary: 2}\n", "nodes: {ids: [a]}\n", "delivery: inline\n", "disabled: true\n", "onRemove: deny\n"} {
		if key(text) != plain {
			t.Errorf("%q makes another key", text)
		}
	}
	if key("# a comment\n"+withTest) != key(withTest) {
		t.Error("where a test stands makes another key")
	}
	tried := func(values map[string]string) string {
		s := examine.WithHostEnv(decoded(t, "vm: {hostEnv: [A]}\n"), values)
		return examine.Key(examine.Enforce, s, sum, s.Config)
	}
	if one := tried(map[string]string{"A": "1"}); one == tried(map[string]string{"A": "2"}) || one == tried(nil) || tried(nil) != tried(map[string]string{"B": "1"}) {
		t.Error("a value of hostEnv makes another key, and one that is not asked for makes none")
	}
	s := decoded(t, "capabilities: auto\n")
	if examine.Key(examine.Off, s, sum, nil) == examine.Key(examine.Warn, s, sum, nil) || examine.Key(examine.Warn, s, sum, nil) != examine.Key(examine.Enforce, s, sum, nil) {
		t.Error("only off is another question")
	}
	invalid, other := "\xff", "\xfe"
	if examine.Key(examine.Enforce, s, sum, &invalid) == examine.Key(examine.Enforce, s, sum, &other) {
		t.Error("configurations that are no text have one key")
	}
}

func TestJudge(t *testing.T) {
	tests := []struct {
		name, spec string
		module     []byte
		want       string // of the codes: errors, refusals, warnings
	}{
		{"good", "", testfilter.HTTP{Stamp: "a"}.Module(), "[] [] []"},
		{"bad", "", testfilter.HTTP{MissingImport: true}.Module(), "[import_missing] [] []"},
		{"new", "", testfilter.HTTP{NewImport: true}.Module(), "[] [import_missing] [import_missing]"},
		{"a failing test", withTest, testfilter.HTTP{Stamp: "a"}.Module(), "[test_failed] [] []"},
		{"a passing test", withTest, testfilter.HTTP{RequireToken: true}.Module(), "[] [] []"},
		{"refuses its configuration", "", testfilter.HTTP{ConfigureFails: true}.Module(), "[configure_refused] [] []"},
		{"perhaps for want of hostEnv", "vm: {hostEnv: [TOKEN]}\n", testfilter.HTTP{ConfigureFails: true}.Module(), "[] [] [configure_refused]"},
		{"a test, perhaps for want of hostEnv", "vm: {hostEnv: [TOKEN]}\n" + withTest, testfilter.HTTP{Stamp: "a"}.Module(), "[] [] [test_failed]"},
		{"a test that passes without hostEnv", "vm: {hostEnv: [TOKEN]}\n" + withTest, testfilter.HTTP{RequireToken: true}.Module(), "[] [] []"},
		{"hostEnv is no excuse", "vm: {hostEnv: [TOKEN]}\n", testfilter.HTTP{MissingImport: true}.Module(), "[import_missing] [] []"},
		{"traps on each request", "", testfilter.HTTP{TrapOnRequest: true}.Module(), "[trap] [] []"},
		{"traps on each request, and may", "smoke: off\n", testfilter.HTTP{TrapOnRequest: true}.Module(), "[] [] []"},
		{"traps on each request, perhaps for want of hostEnv", "vm: {hostEnv: [TOKEN]}\n", testfilter.HTTP{TrapOnRequest: true}.Module(), "[] [] [trap]"},
		{"traps on each connection", "type: network\n", testfilter.Network{TrapOnConnection: true}.Module(), "[trap] [] []"},
		{"traps without a token, which its test has", withToken, tokenOrTrap(), "[] [] []"},
		{"traps without a token", "", tokenOrTrap(), "[trap] [] []"},
		{"limits and no smoke", "smoke: off\nlimits: {memory: 16Mi}\n", testfilter.HTTP{TrapOnRequest: true}.Module(), "[] [] [trap]"},
		{"built into Envoy", "vm: {runtime: 'null'}\n", []byte("envoy.wasm.something"), "[] [] []"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := decoded(t, tt.spec)
			v := examine.Judge(t.Context(), nil, examine.Enforce, s, examine.Module{Bytes: tt.module}, s.Config)
			var errs, refusals, warnings []string
			for _, f := range v.Errors {
				errs = append(errs, f.Code)
				e := f.In(s)
				if want := map[bool]int{true: 3, false: 1}[f.Test != ""]; e.Pos.Line != want || e.Pos.File != "/specs/auth.yaml" || e.Name != "auth" || e.Hint == "" {
					t.Errorf("the error is %+v", e)
				}
			}
			for _, r := range v.Refusals {
				refusals = append(refusals, r.Code)
				if fmt.Sprint(r.Versions, r.AndLater) != "[1.36 1.37 1.38] false" || !strings.HasPrefix(r.Message, "needs Envoy 1.39 or later: ") {
					t.Errorf("the refusal is %+v", r)
				}
			}
			for _, f := range v.Warnings {
				warnings = append(warnings, f.Code)
			}
			if got := fmt.Sprint(errs, refusals, warnings); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if off := examine.Judge(t.Context(), nil, examine.Off, s, examine.Module{Bytes: tt.module}, s.Config); len(off.Errors)+len(off.Refusals)+len(off.Warnings) > 0 {
				t.Errorf("off finds %+v", off)
			}
		})
	}
}

func TestAutoIsWhatTheModuleImports(t *testing.T) {
	s := decoded(t, "capabilities: auto\n")
	module := testfilter.HTTP{EchoLog: true}.Module()
	for _, mode := range examine.Modes() {
		v := examine.Judge(t.Context(), nil, mode, s, examine.Module{Bytes: module}, nil)
		if len(v.Errors) > 0 || !strings.Contains(strings.Join(v.Capabilities, " "), "proxy_log") {
			t.Errorf("%s: %+v", mode, v)
		}
	}
	if v := examine.Judge(t.Context(), nil, examine.Off, s, examine.Module{Bytes: []byte("no module")}, nil); v.Capabilities == nil {
		t.Error("what cannot be read may call anything")
	}
}

// Findings do not quote the configuration from the log of a filter.
func TestFindingsHaveNoSecrets(t *testing.T) {
	module, err := os.ReadFile("../../examples/envoy/filters/hello.wasm")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"config: \"two lines of\\nhunter2hunter2\"\n" + strings.ReplaceAll(withTest, "403", "200"),
		"config: {password: hunter2hunter2}\n" + "tests: [{name: a, request: {}, expect: {response: {headers: {hello: nothing}}}}]\n",
		"config: hunter2hunter2\n" + "tests: [{name: a, request: {}, expect: {response: {headers: {hello: nothing}}}}]\n",
		"config: \"password = hunter2hunter2\"\n" + "tests: [{name: a, request: {}, expect: {response: {headers: {hello: nothing}}}}]\n",
	} {
		s := decoded(t, text)
		v := examine.Judge(t.Context(), nil, examine.Enforce, s, examine.Module{Bytes: module}, s.Config)
		if len(v.Errors) == 0 {
			t.Errorf("%q: nothing is found", text)
		}
		if shown := fmt.Sprint(v); strings.Contains(shown, "hunter2") {
			t.Errorf("%q: the findings are %s", text, shown)
		}
	}
}
