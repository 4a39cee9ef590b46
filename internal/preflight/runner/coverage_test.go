package runner

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// A call is covered only by the tests that lead to it.
func TestCover(t *testing.T) {
	cover := func(module []byte, text string) Coverage {
		t.Helper()
		m, err := wasmbin.Parse(module)
		if err != nil {
			t.Fatal(err)
		}
		s := decodeTests(t, text)
		return Cover(s.Type, m, Run(t.Context(), sandbox.RequestFor(s, module, s.Config), s.Tests))
	}
	const open, closed = "- {name: open, calls: {auth: {status: 200}}, expect: {response: {status: 200}}}\n", "- {name: closed, shared: {closed: '1'}, calls: {auth: fail}, expect: {response: {status: 401}}}\n"
	none := cover(testfilter.Caller(false), "tests: []")
	one := cover(testfilter.Caller(false), "tests:\n"+open)
	both := cover(testfilter.Caller(false), "tests:\n"+open+closed)
	if len(none.HostFunctions.Reached)+len(none.Callbacks.Reached) != 0 || none.Percent != 0 || len(none.HostFunctions.Never) == 0 {
		t.Errorf("without tests: %+v", none)
	}
	if !slices.Contains(one.Callbacks.Reached, "proxy_on_http_call_response") || !slices.Contains(one.HostFunctions.Never, "proxy_send_local_response") {
		t.Errorf("with one test: %+v", one)
	}
	if !slices.Contains(both.HostFunctions.Reached, "proxy_send_local_response") || both.Percent <= one.Percent {
		t.Errorf("with two tests: %+v, before %d%%", both, one.Percent)
	}
	// Rust's SDK exports all callbacks.
	tcp := cover(example(t, "tcp_log"), "type: network\ntests:\n- {name: a, downstream: hello, expect: {upstream: hello}}\n")
	all := strings.Join(append(slices.Concat(tcp.Callbacks.Never, tcp.Others.Never), tcp.Callbacks.Reached...), " ")
	if strings.Contains(all, "proxy_on_request_headers") || !slices.Contains(tcp.Others.Never, "proxy_on_tick") || !slices.Contains(tcp.Callbacks.Reached, "proxy_on_downstream_data") {
		t.Errorf("a network filter: %+v", tcp)
	}
	if empty := Cover(spec.HTTP, &wasmbin.Module{}, nil); empty.Percent != 100 {
		t.Errorf("an empty module: %+v", empty)
	}
	var out bytes.Buffer
	if err := WriteJUnit(&out, []Suite{{Filter: "auth", Coverage: &one}}); err != nil || !strings.Contains(out.String(), `name="coverage.never" value="`) {
		t.Errorf("%v: %s", err, &out)
	}
}
