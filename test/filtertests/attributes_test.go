package filtertests

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/preflight/runner"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/preflight/traffic"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// attributes returns the attributes in Envoy's documentation
// (intro/arch_overview/advanced/attributes) and those for Wasm filters only.
func attributes() []string {
	return strings.Fields(`
request.path request.url_path request.host request.scheme request.method request.headers request.referer request.useragent
request.time request.id request.protocol request.query request.duration request.size request.total_size
response.code response.code_details response.flags response.grpc_status response.headers response.trailers
response.size response.total_size response.backend_latency
source.address source.port destination.address destination.port
connection.id connection.mtls connection.requested_server_name connection.tls_version
connection.subject_local_certificate connection.subject_peer_certificate
connection.dns_san_local_certificate connection.dns_san_peer_certificate
connection.uri_san_local_certificate connection.uri_san_peer_certificate
connection.sha256_peer_certificate_digest connection.transport_failure_reason connection.termination_details
upstream.address upstream.port upstream.tls_version upstream.subject_local_certificate upstream.subject_peer_certificate
upstream.dns_san_local_certificate upstream.dns_san_peer_certificate upstream.uri_san_local_certificate
upstream.uri_san_peer_certificate upstream.sha256_peer_certificate_digest upstream.local_address
upstream.transport_failure_reason upstream.request_attempt_count upstream.cx_pool_ready_duration upstream.locality
metadata filter_state upstream_filter_state
xds.node xds.node.id xds.node.cluster xds.cluster_name xds.cluster_metadata xds.listener_direction xds.listener_metadata
xds.route_name xds.route_metadata xds.virtual_host_name xds.virtual_host_metadata xds.upstream_host_metadata
xds.upstream_host_locality_metadata xds.filter_chain_name
plugin_name plugin_root_id plugin_vm_id node node.id node.cluster cluster_name cluster_metadata listener_direction listener_metadata
route_name route_metadata upstream_host_metadata connection_id`)
}

// reader returns a filter that logs each attribute present in a phase. The log has the phase, the
// name, and an x for each byte of the value.
func reader(phases []struct{ name, signature string }) []byte {
	var m wasmenc.Module
	get := m.Import("env", "proxy_get_property", wasmenc.Sig("iiii:i"))
	log := m.Import("env", "proxy_log", wasmenc.Sig("iii:i"))
	const result, many = 16, 1 << 16
	text := wasmenc.NewText(1024)
	m.Memory(4)
	m.Data(many, []byte(strings.Repeat("x", 1<<16)))
	m.ExportedFunc("proxy_abi_version_0_2_1", wasmenc.Sig(""), 0, nil)
	m.ExportedFunc("malloc", wasmenc.Sig("i:i"), 0, wasmenc.Code{}.I32Const(3<<16))
	const critical = 5
	for _, phase := range phases {
		var code wasmenc.Code
		for _, a := range attributes() {
			code = code.Block(wasmenc.Code{}.
				Then(text.Push(strings.ReplaceAll(a, ".", "\x00"))).I32Const(result).I32Const(result + 4).Call(get).BrIf(0).
				I32Const(critical).Then(text.Push("@" + phase.name + " " + a)).Call(log).Drop().
				I32Const(critical).I32Const(many).I32Const(result + 4).I32Load(0).Call(log).Drop())
		}
		if phase.name == "proxy_on_context_create" {
			code = wasmenc.Code{}.LocalGet(1).If(code)
		}
		if phase.name == "proxy_on_log" {
			code = code.I32Const(critical).Then(text.Push(mark)).Call(log).Drop()
		}
		if strings.HasSuffix(phase.signature, ":i") {
			code = code.I32Const(0)
		}
		m.ExportedFunc(phase.name, wasmenc.Sig(phase.signature), 0, code)
	}
	if text.End() > many {
		panic("filtertests: too much text")
	}
	m.Text(text)
	return m.Bytes()
}

// TestPlainRequestHasEnvoysAttributes compares a plain request's attributes in the sandbox with
// the oldest and the newest Envoy. Each callback must have the same attributes. Attributes that
// are no text must have the same length.
func TestPlainRequestHasEnvoysAttributes(t *testing.T) {
	for _, version := range []string{"1.36.4", harness.DefaultVersion} {
		for _, kind := range []spec.Type{spec.HTTP, spec.Network} {
			t.Run(version+" "+string(kind), func(t *testing.T) {
				module := reader(attributePhases(kind))
				path := filepath.Join(t.TempDir(), "reader.wasm")
				if err := os.WriteFile(path, module, 0o600); err != nil {
					t.Fatal(err)
				}
				s := &spec.Spec{Name: "reader", Type: kind, Module: spec.Module{File: &spec.FileRef{Path: path}}}
				want := read(t, logOfEnvoy(t, s, version, func(u *upstream, port int) {
					u.next(spec.TestMessage{Status: 200, Body: []string{"hello\n"}})
					send(t, &http.Transport{DisableKeepAlives: true}, port, spec.TestMessage{Method: "GET", Path: "/"})
				}))
				r := sandbox.RequestFor(s, module, nil)
				r.Versions, r.Limits.Logs = []string{version}, 100_000
				done := runner.Run(t.Context(), r, []spec.Test{traffic.Plain(kind)})
				if done[0].Trap != "" {
					t.Fatal(done[0].Failures)
				}
				if diff := cmp.Diff(want, read(t, strings.Join(done[0].Logs, "\n")+"\n")); diff != "" {
					t.Errorf("Envoy, sandbox: %s", diff)
				}
			})
		}
	}
}

var readAttribute = regexp.MustCompile(`@(proxy_\w+) ([\w.]+)\n[^\n]*: ?(x*)\n`)

// read parses a reader's log. The keys are phase and attribute. The value is the length, or
// "text" for text.
func read(t *testing.T, log string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, m := range readAttribute.FindAllStringSubmatch(log, -1) {
		size := "text"
		if n := len(m[3]); n == 1 || n == 8 {
			size = strconv.Itoa(n)
		}
		switch m[2] {
		case "request.path", "request.url_path", "request.method", "request.useragent", "request.protocol", "xds.cluster_name":
			size = "text"
		}
		found[m[1]+" "+m[2]] = size
	}
	if len(found) == 0 {
		t.Fatalf("nothing is read in %s", log)
	}
	return found
}

func attributePhases(kind spec.Type) []struct{ name, signature string } {
	if kind == spec.Network {
		return []struct{ name, signature string }{
			{"proxy_on_context_create", "ii:"},
			{"proxy_on_new_connection", "i:i"},
			{"proxy_on_downstream_data", "iii:i"},
			{"proxy_on_upstream_data", "iii:i"},
			{"proxy_on_log", "i:"},
		}
	}
	return []struct{ name, signature string }{
		{"proxy_on_context_create", "ii:"},
		{"proxy_on_request_headers", "iii:i"},
		{"proxy_on_response_headers", "iii:i"},
		{"proxy_on_response_body", "iii:i"},
		{"proxy_on_log", "i:"},
	}
}
