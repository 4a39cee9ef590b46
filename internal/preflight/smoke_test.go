package preflight

import (
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// A check sends a request or a connection of the spec's type: whoever traps in it is refused, and
// nobody else is.
func TestSmoke(t *testing.T) {
	trap := func(*wasmenc.Module) wasmenc.Code { return wasmenc.Code{}.Unreachable() }
	ofStream := func(*wasmenc.Module) wasmenc.Code {
		return wasmenc.Code{}.LocalGet(1).If(wasmenc.Code{}.Unreachable())
	}
	for _, tt := range []struct {
		name, callback, signature string
		kind                      spec.Type
		body                      func(*wasmenc.Module) wasmenc.Code
		want, wantOfContext       string // the beginning of the message; "": it is good
	}{
		{"context", "proxy_on_context_create", "ii:", spec.HTTP, ofStream, "the filter can serve no stream: ", "the filter can serve no stream: "},
		{"context of a connection", "proxy_on_context_create", "ii:", spec.Network, ofStream, "the filter can serve no stream: ", "the filter can serve no stream: "},
		{"request", "proxy_on_request_headers", "iii:i", spec.HTTP, trap, "a plain request (GET /) makes the filter fail: proxy_on_request_headers trapped", ""},
		{"response", "proxy_on_response_headers", "iii:i", spec.HTTP, trap, "a plain request (GET /) makes the filter fail: ", ""},
		{"log", "proxy_on_log", "i:", spec.HTTP, trap, "a plain request (GET /) makes the filter fail: ", ""},
		{"end", "proxy_on_delete", "i:", spec.HTTP, trap, "a plain request (GET /) makes the filter fail: ", "the filter can serve no stream: "},
		{"connection", "proxy_on_new_connection", "i:i", spec.Network, trap, "a plain request (a connection) makes the filter fail: ", ""},
		{"data", "proxy_on_downstream_data", "iii:i", spec.Network, trap, "a plain request (a connection) makes the filter fail: ", ""},
		{"trailers, which there are none of", "proxy_on_request_trailers", "ii:i", spec.HTTP, trap, "", ""},
		{"a callback of the other type", "proxy_on_new_connection", "i:i", spec.HTTP, trap, "", ""},
		{"a callback of the other type", "proxy_on_request_headers", "iii:i", spec.Network, trap, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := sandbox.Request{Module: testfilter.WithCallback(tt.callback, tt.signature, tt.body), Type: tt.kind}
			for smoke, want := range map[Smoke]string{SmokeRequest: tt.want, SmokeContext: tt.wantOfContext} {
				report := Check(t.Context(), r, smoke)
				switch {
				case want == "" && !report.OK:
					t.Errorf("smoke %q: %+v", smoke, report.Problems)
				case want == "":
				case len(report.Problems) != 1:
					t.Errorf("smoke %q: problems %+v", smoke, report.Problems)
				default:
					p := report.Problems[0]
					if !strings.HasPrefix(p.Message, want) || p.Step != finding.StepStream || p.Code != finding.CodeTrap || p.Versions != nil {
						t.Errorf("smoke %q: %+v", smoke, p)
					}
					if says := strings.Contains(p.Hint, "smoke: off"); says != strings.HasPrefix(want, "a plain") {
						t.Errorf("smoke %q: the hint is %q", smoke, p.Hint)
					}
				}
			}
		})
	}
}

// A filter that answers by itself, or waits for a call's answer, is good.
func TestSmokeLetsFiltersAnswer(t *testing.T) {
	if r := Check(t.Context(), sandbox.Request{Module: testfilter.Caller(false)}, SmokeRequest); !r.OK {
		t.Errorf("a filter that calls out: %+v", r.Problems)
	}
	if r := Check(t.Context(), sandbox.Request{Module: example(t, "prime_token")}, SmokeRequest); !r.OK {
		t.Errorf("a filter that answers 403: %+v", r.Problems)
	}
}

// The message names the missing headers and properties, and quotes the filter's log.
func TestSmokeSaysWhatIsMissing(t *testing.T) {
	module := testfilter.WithCallback("proxy_on_request_headers", "iii:i", func(m *wasmenc.Module) wasmenc.Code {
		header := m.Import("env", "proxy_get_header_map_value", wasmenc.Sig("iiiii:i"))
		property := m.Import("env", "proxy_get_property", wasmenc.Sig("iiii:i"))
		log := m.Import("env", "proxy_log", wasmenc.Sig("iii:i"))
		text := wasmenc.NewText(1024)
		code := wasmenc.Code{}.
			I32Const(0).Then(text.Push("authorization")).I32Const(16).I32Const(20).Call(header).Drop().
			Then(text.Push("filter_state\x00user")).I32Const(16).I32Const(20).Call(property).Drop().
			I32Const(5).Then(text.Push("panicked at src/lib.rs:3:5:\nno token")).Call(log).Drop().Unreachable()
		m.Text(text)
		return code
	})
	r := Check(t.Context(), sandbox.Request{Module: module}, SmokeRequest)
	if r.OK {
		t.Fatal("it is good")
	}
	for _, want := range []string{"the request header authorization", "the property filter_state.user", "gave up: panicked at src/lib.rs:3:5: no token"} {
		if !strings.Contains(r.Problems[0].Message, want) {
			t.Errorf("%q does not say %q", r.Problems[0].Message, want)
		}
	}
}

// A request that does not end would hang a worker.
func TestSmokeEnds(t *testing.T) {
	loop := testfilter.WithCallback("proxy_on_request_headers", "iii:i", func(*wasmenc.Module) wasmenc.Code {
		return wasmenc.Code{}.Loop(wasmenc.Code{}.Br(0)).I32Const(0)
	})
	r := Check(t.Context(), sandbox.Request{Module: loop, Limits: sandbox.Limits{Step: 100 * time.Millisecond}}, SmokeRequest)
	if r.OK || r.Problems[0].Code != finding.CodeTimeout {
		t.Errorf("%+v", r)
	}
}
