package filtertests

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/preflight/runner"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// traced lists the callbacks of a stream. A tracer notes the letter for each call.
var traced = []struct{ letter, name, signature string }{
	{"c", "proxy_on_context_create", "ii:"},
	{"H", "proxy_on_request_headers", "iii:i"},
	{"B", "proxy_on_request_body", "iii:i"},
	{"T", "proxy_on_request_trailers", "ii:i"},
	{"h", "proxy_on_response_headers", "iii:i"},
	{"b", "proxy_on_response_body", "iii:i"},
	{"t", "proxy_on_response_trailers", "ii:i"},
	{"n", "proxy_on_new_connection", "i:i"},
	{"D", "proxy_on_downstream_data", "iii:i"},
	{"U", "proxy_on_upstream_data", "iii:i"},
	{"E", "proxy_on_downstream_connection_close", "ii:"},
	{"F", "proxy_on_upstream_connection_close", "ii:"},
	{"l", "proxy_on_log", "i:"},
	{"d", "proxy_on_done", "i:i"},
	{"x", "proxy_on_delete", "i:"},
}

// tracer returns a filter that notes the callbacks and logs them at the end. With answers, the
// filter answers requests itself.
func tracer(answers bool) []byte {
	m := &wasmenc.Module{}
	log := m.Import("env", "proxy_log", wasmenc.Sig("iii:i"))
	respond := m.Import("env", "proxy_send_local_response", wasmenc.Sig("iiiiiiii:i"))
	const begin = 16 << 10
	at := m.Global(begin + int32(len(mark)))
	m.Memory(2)
	m.Data(begin, []byte(mark))
	m.ExportedFunc("proxy_abi_version_0_2_1", wasmenc.Sig(""), 0, nil)
	m.ExportedFunc("malloc", wasmenc.Sig("i:i"), 0, wasmenc.Code{}.I32Const(64<<10))
	note := func(value wasmenc.Code) wasmenc.Code {
		return wasmenc.Code{}.GlobalGet(at).Then(value).I32Store(0).GlobalGet(at).I32Const(1).I32Add().GlobalSet(at)
	}
	for _, c := range traced {
		params, results, _ := strings.Cut(c.signature, ":")
		code := note(wasmenc.Code{}.I32Const(int32(c.letter[0])))
		if strings.ContainsAny(c.letter, "HBhbDUEF") { // end of stream, or cause of the connection's end
			code = code.Then(note(wasmenc.Code{}.LocalGet(uint32(len(params) - 1)).I32Const('0').I32Add()))
		}
		if c.letter == "c" {
			code = wasmenc.Code{}.LocalGet(1).If(code) // not for the root context
		}
		if c.letter == "H" && answers {
			code = code.I32Const(418).I32Const(0).I32Const(0).I32Const(begin).I32Const(5).I32Const(0).I32Const(0).I32Const(-1).Call(respond).Drop().I32Const(1).Return()
		}
		if c.letter == "x" {
			code = code.Then(note(wasmenc.Code{}.I32Const(';'))).
				I32Const(3).I32Const(begin).GlobalGet(at).I32Const(begin).I32Sub().Call(log).Drop()
		}
		if results != "" {
			value := int32(0)
			if c.letter == "d" {
				value = 1
			}
			code = code.I32Const(value)
		}
		m.ExportedFunc(c.name, wasmenc.Sig(c.signature), 0, code)
	}
	return m.Bytes()
}

// trace returns a tracer's notes from a log.
func trace(t *testing.T, log string) string {
	t.Helper()
	_, found, ok := strings.Cut(log, mark)
	found, _, ended := strings.Cut(found, ";")
	if !ok || !ended {
		t.Fatalf("no trace in %s", log)
	}
	return found
}

// TestCallbacksComeInEnvoysOrder expects the sandbox to make Envoy's callbacks in Envoy's order.
func TestCallbacksComeInEnvoysOrder(t *testing.T) {
	header := []spec.TestHeader{{Name: "x-a", Values: []string{"b"}}}
	get := spec.TestMessage{Method: "GET", Path: "/"}
	for name, test := range map[string]struct {
		answers           bool
		request, response spec.TestMessage
	}{
		"nothing but headers":  {false, get, spec.TestMessage{Status: 204}},
		"bodies":               {false, spec.TestMessage{Method: "POST", Path: "/", Body: []string{"hello"}}, spec.TestMessage{Status: 200, Body: []string{"world"}}},
		"trailers":             {false, get, spec.TestMessage{Status: 200, Body: []string{"world"}, Trailers: header}},
		"an answer of its own": {true, get, spec.TestMessage{Status: 200}},
	} {
		for _, version := range []string{"1.36.4", harness.DefaultVersion} {
			t.Run(name+" "+version, func(t *testing.T) {
				s, module := tracingSpec(t, spec.HTTP, test.answers)
				step := spec.TestStep{HTTP: &spec.TestHTTP{Request: test.request, Upstream: test.response}}
				// HTTP/1 ends a message with an empty body chunk.
				want := strings.NewReplacer("B0B1", "B1", "b0b1", "b1").Replace(traceInEnvoy(t, s, version, step))
				if got := traceInSandbox(t, s, module, version, step); got != want {
					t.Errorf("%s in the sandbox, %s in Envoy", got, want)
				}
			})
		}
	}
	t.Run("connection", func(t *testing.T) {
		s, module := tracingSpec(t, spec.Network, false)
		step := spec.TestStep{Connection: &spec.TestConnection{Downstream: []string{"hello"}, Upstream: []string{"world"}}}
		// The network decides the size of the chunks and the order of the closes.
		data := regexp.MustCompile("[DU].")
		want := data.ReplaceAllString(traceInEnvoy(t, s, harness.DefaultVersion, step), "")
		got := data.ReplaceAllString(traceInSandbox(t, s, module, harness.DefaultVersion, step), "")
		if got != want {
			t.Errorf("%s in the sandbox, %s in Envoy", got, want)
		}
	})
}

func tracingSpec(t *testing.T, kind spec.Type, answers bool) (*spec.Spec, []byte) {
	t.Helper()
	module := tracer(answers)
	path := filepath.Join(t.TempDir(), "tracer.wasm")
	if err := os.WriteFile(path, module, 0o600); err != nil {
		t.Fatal(err)
	}
	return &spec.Spec{Name: "tracer", Type: kind, Module: spec.Module{File: &spec.FileRef{Path: path}}}, module
}

func traceInSandbox(t *testing.T, s *spec.Spec, module []byte, version string, step spec.TestStep) string {
	t.Helper()
	r := sandbox.RequestFor(s, module, nil)
	r.Versions = []string{version}
	done := runner.Run(t.Context(), r, []spec.Test{{Name: "trace", Steps: []spec.TestStep{step}}})
	return trace(t, strings.Join(done[0].Logs, "\n"))
}

func traceInEnvoy(t *testing.T, s *spec.Spec, version string, step spec.TestStep) string {
	t.Helper()
	return trace(t, logOfEnvoy(t, s, version, func(u *upstream, port int) {
		u.next(step.HTTP.Upstream)
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		_ = send(t, transport, port, step.HTTP.Request)
	}))
}
