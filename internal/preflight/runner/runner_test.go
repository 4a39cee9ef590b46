package runner

import (
	"bytes"
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// decodeTests are the tests of a spec that has this text.
func decodeTests(t *testing.T, text string) *spec.Spec {
	t.Helper()
	specs, errs, _ := spec.Decode("auth.yaml", []byte("module: {file: a.wasm}\n"+text))
	if len(errs) > 0 || len(specs) != 1 {
		t.Fatalf("%v", errs)
	}
	return specs[0]
}

// results runs the tests of a spec; each test's failures are lines, "ok" where there are none.
func results(t *testing.T, module []byte, text string) map[string][]string {
	t.Helper()
	s := decodeTests(t, text)
	got := map[string][]string{}
	for _, r := range Run(t.Context(), sandbox.RequestFor(s, module, s.Config), s.Tests) {
		if r.OK != (len(r.Failures) == 0) || r.Line == 0 || r.Duration <= 0 {
			t.Errorf("%+v", r)
		}
		got[r.Name] = []string{"ok"}
		if !r.OK {
			got[r.Name] = nil
		}
		for _, f := range r.Failures {
			got[r.Name] = append(got[r.Name], strings.TrimSpace(f.String()+"\n"+f.Diff))
		}
	}
	return got
}

func example(t *testing.T, name string) []byte {
	t.Helper()
	module, err := os.ReadFile(filepath.Join("../../../examples/envoy/filters", name+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return module
}

func TestRunPrimeToken(t *testing.T) {
	got := results(t, example(t, "prime_token"), `
tests:
- name: a prime passes
  request: {method: GET, path: /, headers: {token: "7"}}
  upstream: {status: 200, body: "Welcome to WASM land\n"}
  expect:
    upstream: {method: GET, path: /, headers: {token: "7", x-other: null}, body: []}
    response: {status: 200, body: "Welcome to WASM land\n"}
- name: anything else is refused
  request: {headers: {token: "8"}}
  expect: {upstream: none, response: {status: 403, body: "Access forbidden.\n"}, logs: [], calls: []}
- name: one after another
  steps:
  - {request: {headers: {token: "7"}}, expect: {response: {status: 200}}}
  - {request: {headers: {token: "8"}}, expect: {response: {status: 403}}}
  - {request: {headers: {token: "11"}}, upstream: {status: 404}, expect: {response: {status: 404}}}
- name: wrong in every way
  request: {path: /a, headers: {token: "8"}}
  expect:
    upstream: {path: /b}
    response: {status: 200, headers: {x-a: b, content-type: text/html, content-length: null}, body: "Access\nall\nareas.\n"}
    logs: [hello]
    metrics: {requests: 1}
    calls: [{cluster: auth}]
- name: should not pass
  steps:
  - {request: {headers: {token: "7"}}, expect: {response: {status: 200}}}
  - {request: {headers: {token: ["7"]}, path: /x}, expect: {upstream: none, response: none}}
`)
	want := map[string][]string{
		"a prime passes":           {"ok"},
		"anything else is refused": {"ok"},
		"one after another":        {"ok"},
		"wrong in every way": {
			"upstream: expected a message, got nothing: the filter has answered by itself",
			"response.status: expected 200, got 403",
			`response.headers.x-a: expected "b", got not there`,
			`response.headers.content-type: expected "text/html", got "text/plain"`,
			`response.headers.content-length: expected not there, got "18"`,
			"response.body is not as expected\n- Access\n- all\n- areas.\n+ Access forbidden.",
			"logs[0]: expected hello, got no line",
			"metrics.requests: expected 1, got not there",
			"calls[0]: expected a call to auth, got no call",
		},
		"should not pass": {"step 2: upstream: expected none, got GET /x", "step 2: response: expected none, got 200"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRunHello(t *testing.T) {
	got := results(t, example(t, "hello"), `
config: world
tests:
- name: greets
  request: {}
  upstream: {status: 201, headers: {hello: nobody, x: [a, b]}, body: [ab, cd], trailers: {t: "1"}}
  expect: {response: {status: 201, headers: {Hello: world, x: [a, b]}, body: abcd, trailers: {t: "1"}}}
- name: does not greet so
  expect: {response: {headers: {hello: mars}, body: a, trailers: {t: "1"}}}
`)
	want := map[string][]string{
		"greets": {"ok"},
		"does not greet so": {
			`response.headers.hello: expected "mars", got "world"`, `response.body: expected "a", got ""`,
			`response.trailers.t: expected "1", got not there`,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRunTCPLog(t *testing.T) {
	got := results(t, example(t, "tcp_log"), `
type: network
tests:
- name: counts
  properties: {source.address: "10.0.0.1:1234", destination.address: "10.0.0.2:80"}
  downstream: [hello, world]
  upstream: {base64: AAEC}
  expect:
    upstream: helloworld
    downstream: {base64: AAEC}
    closed: false
    logs: [{level: info, text: "source=10.0.0.1:1234 destination=10.0.0.2:80 received=10 sent=3"}]
- name: does not
  downstream: a
  expect: {upstream: b, downstream: {base64: AAEC}, closed: true, logs: [nothing of the kind]}
`)
	if diff := cmp.Diff([]string{"ok"}, got["counts"]); diff != "" {
		t.Error(diff)
	}
	wrong := got["does not"]
	if len(wrong) != 4 || wrong[0] != `upstream: expected "b", got "a"` || !strings.Contains(wrong[1], `"\x00\x01\x02"`) || wrong[2] != "closed: expected true, got false" {
		t.Errorf("%q", wrong)
	}
}

func TestRunCalls(t *testing.T) {
	got := results(t, testfilter.Caller(false), `
tests:
- name: an answer lets it pass
  request: {path: /a}
  calls: {auth: {status: 200, body: ok}}
  expect:
    upstream: {path: /a}
    response: {status: 200}
    calls: [{cluster: auth, method: GET, path: /check, headers: {x-no: null}, body: ""}]
    metrics: {requests: 0}
- name: no answer refuses it
  calls: {auth: fail}
  expect: {upstream: none, response: {status: 401, body: "no"}}
- name: answers in turn
  calls: {auth: [fail]}
  shared: {closed: "1"}
  expect: {response: {status: 401}}
- name: shared data is there
  shared: {closed: "1"}
  calls: {auth: {status: 200}}
  expect: {upstream: none, response: {status: 401}}
- name: a call that nobody expects
  expect: {response: {status: 401}, calls: []}
- name: another call
  calls: {auth: {status: 200}}
  expect: {calls: [{cluster: other}, {cluster: auth}]}
`)
	want := map[string][]string{
		"an answer lets it pass": {"ok"}, "no answer refuses it": {"ok"}, "answers in turn": {"ok"}, "shared data is there": {"ok"},
		"a call that nobody expects": {
			`calls.auth: the filter calls cluster "auth", for which the test has no answer`,
			"calls[0]: expected no call, got a call to auth: GET /check",
		},
		"another call": {"calls[0].cluster: expected other, got auth", "calls[1]: expected a call to auth, got no call"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRunTrap(t *testing.T) {
	got := results(t, testfilter.Caller(true), "tests: [{name: a, steps: [{expect: {upstream: none}}, {expect: {upstream: none}}]}]")
	if len(got["a"]) != 1 || !strings.HasPrefix(got["a"][0], "step 1: run") {
		t.Errorf("%q", got)
	}
	got = results(t, testfilter.Importing("env.proxy_nothing :i").Bytes(), "tests: [{name: a, expect: {upstream: none}}]")
	if len(got["a"]) != 1 || !strings.Contains(got["a"][0], "proxy_nothing") {
		t.Errorf("%q", got)
	}
}

func TestJUnit(t *testing.T) {
	s := decodeTests(t, `
tests:
- {name: "a <prime> passes", request: {headers: {token: "7"}}, expect: {response: {status: 200}}}
- {name: fails, request: {headers: {token: "8"}}, expect: {response: {status: 200, body: "a\nb\n"}}}
`)
	var out bytes.Buffer
	tests := Run(t.Context(), sandbox.RequestFor(s, example(t, "prime_token"), nil), s.Tests)
	tests[0].Duration, tests[1].Duration = 120*time.Microsecond, 80*time.Microsecond
	err := WriteJUnit(&out, []Suite{
		{Filter: "auth", File: "auth.yaml", Checked: 2 * time.Millisecond, Tests: tests},
		{Filter: "broken", Problems: []finding.Problem{{Code: finding.CodeMemoryMissing, Message: "no memory\x00", Hint: "export it", Detail: []string{"a", "b"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var read junitSuites
	if err := xml.Unmarshal(out.Bytes(), &read); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	if read.Tests != 4 || read.Failures != 2 || len(read.Suites) != 2 || len(read.Suites[0].Cases) != 3 {
		t.Fatalf("%s", out.String())
	}
	for got, want := range map[string]string{
		read.Time: "0.002200", read.Suites[0].Time: "0.002200",
		read.Suites[0].Cases[0].Time: "0.002000", read.Suites[0].Cases[1].Time: "0.000120", read.Suites[0].Cases[2].Time: "0.000080",
	} {
		if got != want {
			t.Errorf("time %q, want %q", got, want)
		}
	}
	failed := read.Suites[0].Cases[2]
	if failed.Name != "fails" || len(failed.Failures) != 2 || failed.Failures[0].Message != "response.status: expected 200, got 403" || failed.Line != 5 {
		t.Errorf("%+v", failed)
	}
	if problem := read.Suites[1].Cases[0]; problem.Name != loads || problem.Failures[0].Text != "a\nb\nhint: export it" {
		t.Errorf("%+v", problem)
	}
}

func TestDiffLines(t *testing.T) {
	for _, test := range []struct{ want, got, diff string }{
		{"a", "b", ""},
		{"a\n", "b", ""},
		{"a\nb\nc\n", "a\nx\nc\n", "  a\n- b\n+ x\n  c\n"},
		{"a\nb\n", "a\nb", "  a\n- b\n+ b⏎\n"},
		{"a\nb\n", "", "- a\n- b\n"},
		{"a\na\n", "a\na\na\n", "  a\n+ a\n"},
	} {
		if diff := cmp.Diff(test.diff, diffLines(test.want, test.got)); diff != "" {
			t.Errorf("%q, %q: %s", test.want, test.got, diff)
		}
	}
}

// TestRunWithCapabilities expects capabilities: auto to change nothing for a filter.
func TestRunWithCapabilities(t *testing.T) {
	got := results(t, example(t, "prime_token"), `
capabilities: auto
tests:
- {name: passes, request: {headers: {token: "7"}}, expect: {response: {status: 200}}}
- {name: refuses, request: {headers: {token: "8"}}, expect: {upstream: none, response: {status: 403}}}
`)
	if diff := cmp.Diff(map[string][]string{"passes": {"ok"}, "refuses": {"ok"}}, got); diff != "" {
		t.Error(diff)
	}
}

// TestRunIsBounded: filters that never come to an end fail their tests.
func TestRunIsBounded(t *testing.T) {
	looping := testfilter.Importing()
	looping.ExportedFunc("proxy_on_request_headers", wasmenc.Sig("iii:i"), 0, wasmenc.Code{}.Loop(wasmenc.Code{}.Br(0)).I32Const(0))
	s := decodeTests(t, "tests: [{name: a, expect: {response: {status: 200}}}]")
	r := sandbox.RequestFor(s, looping.Bytes(), nil)
	r.Limits.Step = 50 * time.Millisecond
	for _, result := range Run(t.Context(), r, s.Tests) {
		if result.OK || len(result.Failures) != 1 || !strings.Contains(result.Failures[0].Got, "has not returned within") {
			t.Errorf("%+v", result)
		}
	}

	m := &wasmenc.Module{}
	call := m.Import("env", "proxy_http_call", wasmenc.Sig("iiiiiiiiii:i"))
	text := wasmenc.NewText(1024)
	again := wasmenc.Code{}.Then(text.Push("auth")).
		Then(text.Push(string(testfilter.Pairs(":authority", "auth", ":path", "/", ":method", "GET")))).
		I32Const(0).I32Const(0).I32Const(0).I32Const(0).I32Const(1000).I32Const(16).Call(call).Drop()
	m.Memory(2)
	m.ExportedFunc("proxy_abi_version_0_2_1", wasmenc.Sig(""), 0, nil)
	m.ExportedFunc("malloc", wasmenc.Sig("i:i"), 0, wasmenc.Code{}.I32Const(32<<10))
	m.ExportedFunc("proxy_on_request_headers", wasmenc.Sig("iii:i"), 0, slices.Clone(again).I32Const(1))
	m.ExportedFunc("proxy_on_http_call_response", wasmenc.Sig("iiiii:"), 0, again)
	m.Text(text)
	got := results(t, m.Bytes(), "tests: [{name: a, calls: {auth: fail}, expect: {upstream: none}}]")
	if diff := cmp.Diff([]string{"calls: expected at most 1000 calls, got more of them: the filter calls again and again"}, got["a"]); diff != "" {
		t.Error(diff)
	}
}

// A test that a step's time has ended is told from one that fails.
func TestATestSaysWhatTrapHasEndedIt(t *testing.T) {
	loop := testfilter.WithCallback("proxy_on_request_headers", "iii:i", func(*wasmenc.Module) wasmenc.Code {
		return wasmenc.Code{}.Loop(wasmenc.Code{}.Br(0)).I32Const(0)
	})
	traps := testfilter.WithCallback("proxy_on_request_headers", "iii:i", func(*wasmenc.Module) wasmenc.Code {
		return wasmenc.Code{}.Unreachable()
	})
	s := decodeTests(t, "tests: [{name: a, request: {}, expect: {response: {status: 403}}}]\n")
	for _, tt := range []struct {
		module []byte
		step   time.Duration
		trap   string
	}{{loop, 100 * time.Millisecond, finding.CodeTimeout}, {traps, 0, finding.CodeTrap}, {example(t, "hello"), 0, ""}} {
		config := "hello"
		r := sandbox.RequestFor(s, tt.module, &config)
		r.Limits.Step = tt.step
		if got := Run(t.Context(), r, s.Tests)[0]; got.OK || got.Trap != tt.trap {
			t.Errorf("%q: %+v", tt.trap, got)
		}
	}
}
