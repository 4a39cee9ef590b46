package host_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

func load(t *testing.T, module []byte) *sandbox.VM {
	t.Helper()
	vm, problems, err := sandbox.Load(t.Context(), sandbox.Request{Module: module})
	if err != nil {
		t.Fatalf("%v: %+v", err, problems)
	}
	t.Cleanup(func() {
		if err := vm.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return vm
}

func text(chunks [][]byte) string { return string(slices.Concat(chunks...)) }

// A filter that pauses with the body gets all of it at the end, and lets it all go.
func TestBufferedBody(t *testing.T) {
	vm := load(t, testfilter.WithCallbacks(func(m *wasmenc.Module) map[string]wasmenc.Code {
		set := m.Import("env", "proxy_set_buffer_bytes", wasmenc.Sig("iiiii:i"))
		return map[string]wasmenc.Code{
			"proxy_on_request_body": wasmenc.Code{}.LocalGet(2).I32Eqz().If(wasmenc.Code{}.I32Const(1).Return()).
				I32Const(0).I32Const(0).I32Const(0).I32Const(1031).I32Const(4).Call(set).Drop().
				I32Const(0),
		}
	}))
	s, err := vm.NewStream(t.Context(), host.StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m := host.Message{Headers: []host.Header{{":path", "/"}}, Body: [][]byte{[]byte("one "), []byte("two")}}
	if err := s.Request(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := s.Upstream()
	if !got.Complete || text(got.Message.Body) != "nameone two" || len(got.Message.Body) != 1 {
		t.Errorf("%+v: %q", got, got.Message.Body)
	}
}

// A filter that stops the headers for a call lets nothing pass until it continues.
func TestPausedForACall(t *testing.T) {
	vm := load(t, testfilter.WithCallbacks(func(m *wasmenc.Module) map[string]wasmenc.Code {
		httpCall := m.Import("env", "proxy_http_call", wasmenc.Sig("iiiiiiiiii:i"))
		effective := m.Import("env", "proxy_set_effective_context", wasmenc.Sig("i:i"))
		goOn := m.Import("env", "proxy_continue_stream", wasmenc.Sig("i:i"))
		pairs := testfilter.Pairs(":path", "/", ":method", "GET", ":authority", "a")
		m.Data(2048, pairs)
		return map[string]wasmenc.Code{
			"proxy_on_request_headers": wasmenc.Code{}.
				I32Const(1024).I32Const(7).I32Const(2048).I32Const(int32(len(pairs))).
				I32Const(0).I32Const(0).I32Const(0).I32Const(0).I32Const(1000).I32Const(512).Call(httpCall).Drop().
				I32Const(1),
			"proxy_on_http_call_response": wasmenc.Code{}.I32Const(2).Call(effective).Drop().I32Const(0).Call(goOn).Drop(),
		}
	}))
	s, err := vm.NewStream(t.Context(), host.StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m := host.Message{Headers: []host.Header{{":path", "/"}}, Body: [][]byte{[]byte("a"), []byte("b")}, Trailers: []host.Header{{"t", "1"}}}
	if err := s.Request(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	calls := vm.Calls()
	if s.Upstream().Reached || len(calls) != 1 || calls[0].Cluster != "cluster" || calls[0].Timeout != 1000 {
		t.Fatalf("%+v %+v", s.Upstream(), calls)
	}
	if err := vm.Answer(t.Context(), calls[0], host.Answer{Message: host.Message{Headers: []host.Header{{":status", "200"}}}}); err != nil {
		t.Fatal(err)
	}
	if got := s.Upstream(); !got.Complete || text(got.Message.Body) != "ab" || len(got.Message.Trailers) != 1 {
		t.Errorf("%+v", got)
	}
}

// An answer of the filter's own in the response's callback takes the upstream's place.
func TestLocalAnswerToAResponse(t *testing.T) {
	vm := load(t, testfilter.WithCallbacks(func(m *wasmenc.Module) map[string]wasmenc.Code {
		respond := m.Import("env", "proxy_send_local_response", wasmenc.Sig("iiiiiiii:i"))
		return map[string]wasmenc.Code{"proxy_on_response_headers": wasmenc.Code{}.
			I32Const(418).I32Const(0).I32Const(0).I32Const(1024).I32Const(7).I32Const(0).I32Const(0).I32Const(-1).Call(respond).Drop().
			I32Const(1)}
	}))
	s, err := vm.NewStream(t.Context(), host.StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Request(t.Context(), host.Message{Headers: []host.Header{{":path", "/"}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Response(t.Context(), host.Message{Headers: []host.Header{{":status", "200"}}, Body: [][]byte{[]byte("secret")}}); err != nil {
		t.Fatal(err)
	}
	got := s.Client()
	if status, _ := host.Lookup(got.Message.Headers, ":status"); !got.Complete || status != "418" || text(got.Message.Body) != "cluster" {
		t.Errorf("%+v", got)
	}
}

// A trap during a stream is an error that names the callback.
func TestTrapInAStream(t *testing.T) {
	vm := load(t, testfilter.WithCallbacks(func(*wasmenc.Module) map[string]wasmenc.Code {
		return map[string]wasmenc.Code{"proxy_on_request_headers": wasmenc.Code{}.Unreachable()}
	}))
	s, err := vm.NewStream(t.Context(), host.StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Request(t.Context(), host.Message{Headers: []host.Header{{":path", "/"}}})
	if err == nil || !strings.Contains(err.Error(), "proxy_on_request_headers") {
		t.Errorf("got %v", err)
	}
}

// A filter that holds back data of a connection sees the data again with the next data.
func TestConnection(t *testing.T) {
	vm := load(t, testfilter.WithCallbacks(func(*wasmenc.Module) map[string]wasmenc.Code {
		const enough = 4
		return map[string]wasmenc.Code{
			"proxy_on_downstream_data": wasmenc.Code{}.I32Const(enough).LocalGet(1).I32GtU(),
		}
	}))
	c, err := vm.NewConnection(t.Context(), host.StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for data, want := range map[string]string{"ab": ""} {
		if err := c.FromDownstream(t.Context(), []byte(data), false); err != nil || string(c.ToUpstream()) != want {
			t.Errorf("%v %q", err, c.ToUpstream())
		}
	}
	if err := c.FromDownstream(t.Context(), []byte("cd"), true); err != nil || string(c.ToUpstream()) != "abcd" {
		t.Errorf("%v %q", err, c.ToUpstream())
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// A module sets shared data only if it knows the version of the current value.
func TestSharedDataCAS(t *testing.T) {
	vm := load(t, testfilter.WithCallbacks(func(m *wasmenc.Module) map[string]wasmenc.Code {
		set := m.Import("env", "proxy_set_shared_data", wasmenc.Sig("iiiii:i"))
		return map[string]wasmenc.Code{"proxy_on_tick": wasmenc.Code{}.
			I32Const(1031).I32Const(4).I32Const(1035).I32Const(5).I32Const(77).Call(set).Drop()}
	}))
	if err := vm.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _ := vm.Shared("name"); string(got) != "value" {
		t.Errorf("a new key has no version to compare with, and yet %q", got)
	}
	vm.SetShared("name", []byte("other"))
	if err := vm.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _ := vm.Shared("name"); string(got) != "other" {
		t.Errorf("another version was overwritten with %q", got)
	}
}

// A filter does not see headers again after it has let them pass, until proxy_on_log.
func TestGoneHeaders(t *testing.T) {
	vm := load(t, testfilter.WithCallbacks(func(m *wasmenc.Module) map[string]wasmenc.Code {
		get := m.Import("env", "proxy_get_header_map_value", wasmenc.Sig("iiiii:i"))
		property := m.Import("env", "proxy_get_property", wasmenc.Sig("iiii:i"))
		log := m.Import("env", "proxy_log", wasmenc.Sig("iii:i"))
		m.Data(2048, []byte(":pathrequest\x00path"))
		// A letter for each result.
		probe := wasmenc.Code{}.
			I32Const(512).I32Const(0).I32Const(2048).I32Const(5).I32Const(256).I32Const(260).Call(get).I32Const('a').I32Add().I32Store(0).
			I32Const(513).I32Const(2053).I32Const(12).I32Const(256).I32Const(260).Call(property).I32Const('a').I32Add().I32Store(0).
			I32Const(2).I32Const(512).I32Const(2).Call(log).Drop()
		return map[string]wasmenc.Code{
			"proxy_on_request_headers":  append(slices.Clone(probe), wasmenc.Code{}.I32Const(0)...),
			"proxy_on_request_body":     append(slices.Clone(probe), wasmenc.Code{}.I32Const(0)...),
			"proxy_on_response_headers": append(slices.Clone(probe), wasmenc.Code{}.I32Const(0)...),
			"proxy_on_log":              probe,
		}
	}))
	s, err := vm.NewStream(t.Context(), host.StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		s.Request(t.Context(), host.Message{Headers: []host.Header{{":path", "/"}}, Body: [][]byte{[]byte("a")}}),
		s.Response(t.Context(), host.Message{Headers: []host.Header{{":status", "200"}}}),
		s.Close(t.Context()),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, l := range vm.Logs() {
		got = append(got, l.Text)
	}
	const bad, notFound = "c", "b"
	if want := []string{"aa", bad + notFound, bad + notFound, "aa"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestStream(t *testing.T) {
	vm, problems, err := sandbox.Load(context.Background(), sandbox.Request{Module: testfilter.HTTP{Stamp: "v1", RequireToken: true}.Module()})
	if err != nil {
		t.Fatal(err, problems)
	}
	defer vm.Close(context.Background())
	for token, status := range map[string]string{"ok": "200", "no": "403"} {
		s, err := vm.NewStream(t.Context(), host.StreamOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Request(t.Context(), host.Message{Headers: []host.Header{{":path", "/"}, {"token", token}}}); err != nil {
			t.Fatal(err)
		}
		if s.Upstream().Complete {
			if err := s.Response(t.Context(), host.Message{Headers: []host.Header{{":status", "200"}}, Body: [][]byte{[]byte("hi")}}); err != nil {
				t.Fatal(err)
			}
		}
		got := s.Client()
		if !got.Complete || got.Message.Headers[0].Value != status || s.Local() != (status == "403") {
			t.Errorf("%s: %+v", token, got)
		}
		if v, _ := host.Lookup(got.Message.Headers, "x-filter"); v != "v1" {
			t.Errorf("%s: %+v", token, got)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
