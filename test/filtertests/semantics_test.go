package filtertests

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// TestHostFunctionsAnswerAsInEnvoy expects each host function to answer in each callback as in
// the oldest and the newest Envoy.
func TestHostFunctionsAnswerAsInEnvoy(t *testing.T) {
	for _, variant := range []probe{
		{abi: "0.1.0"}, {abi: "0.2.0"}, {abi: "0.2.1"}, {abi: "0.2.1", holds: true},
	} {
		for _, kind := range []spec.Type{spec.HTTP, spec.Network} {
			if kind == spec.Network && variant.holds {
				continue
			}
			for _, version := range []string{"1.36.4", harness.DefaultVersion} {
				t.Run(fmt.Sprintf("%s %s %t %s", kind, variant.abi, variant.holds, version), func(t *testing.T) {
					p := &probe{abi: variant.abi, holds: variant.holds}
					p.compare(t, kind, version)
				})
			}
		}
	}
}

func (p *probe) compare(t *testing.T, kind spec.Type, version string) {
	t.Helper()
	phases := httpPhases
	if kind == spec.Network {
		phases = networkPhases
	}
	module := p.build(phases)
	path := filepath.Join(t.TempDir(), "probe.wasm")
	if err := os.WriteFile(path, module, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &spec.Spec{Name: "probe", Type: kind, Module: spec.Module{File: &spec.FileRef{Path: path}}}
	sandbox, envoy := p.inSandbox(t, s, module, version), p.inEnvoy(t, s, version)
	for i, name := range p.calls {
		if sandbox[i] != envoy[i] && !p.excepted(name) {
			t.Errorf("%s: %d in the sandbox, %d in Envoy", name, sandbox[i]-first, envoy[i]-first)
		}
	}
}

// excepted reports whether Envoy and the sandbox may differ. In Envoy a filter can still write
// into a body after holding the body back and letting it go, but the write has no effect.
func (p *probe) excepted(name string) bool {
	phase, function, _ := strings.Cut(name, " ")
	return p.holds && strings.HasPrefix(function, "proxy_set_buffer_bytes") &&
		(strings.HasPrefix(phase, "proxy_on_response") || phase == "proxy_on_log")
}

// probed returns the results from a log.
func (p *probe) probed(t *testing.T, log string) string {
	t.Helper()
	_, found, ok := strings.Cut(log, mark)
	if !ok || len(found) < len(p.calls) {
		t.Fatalf("no results in %s", log)
	}
	return found[:len(p.calls)]
}

func (p *probe) inSandbox(t *testing.T, s *spec.Spec, module []byte, version string) string {
	t.Helper()
	ctx := t.Context()
	r := sandbox.RequestFor(s, module, nil)
	r.Versions = []string{version}
	vm, problems, err := sandbox.Load(ctx, r)
	if err != nil {
		t.Fatalf("%v: %+v", err, problems)
	}
	defer vm.Close(ctx)
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if s.Type == spec.Network {
		c, err := vm.NewConnection(ctx, host.StreamOptions{})
		must(err)
		must(c.FromDownstream(ctx, []byte("hello"), false))
		must(c.FromUpstream(ctx, []byte("world"), false))
		must(c.Close(ctx))
	} else {
		x := []host.Header{{Name: "x-a", Value: "b"}}
		stream, err := vm.NewStream(ctx, host.StreamOptions{})
		must(err)
		must(stream.Request(ctx, host.Message{
			Headers: append([]host.Header{{Name: ":authority", Value: "a"}, {Name: ":path", Value: "/a"}, {Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "http"}}, x...),
			Body:    [][]byte{[]byte("hello")}, Trailers: x,
		}))
		must(stream.Response(ctx, host.Message{
			Headers: append([]host.Header{{Name: ":status", Value: "200"}}, x...), Body: [][]byte{[]byte("world")}, Trailers: x,
		}))
		must(stream.Close(ctx))
	}
	text := ""
	for _, l := range vm.Logs() {
		text += l.Text + "\n"
	}
	return p.probed(t, text)
}

func (p *probe) inEnvoy(t *testing.T, s *spec.Spec, version string) string {
	t.Helper()
	return p.probed(t, logOfEnvoy(t, s, version, func(u *upstream, port int) { probeRequest(t, u, port) }))
}

// probeRequest sends a request with headers, body and trailers in both directions.
func probeRequest(t *testing.T, u *upstream, port int) {
	t.Helper()
	header := []spec.TestHeader{{Name: "x-a", Values: []string{"b"}}}
	u.next(spec.TestMessage{Status: 200, Headers: header, Body: []string{"world"}, Trailers: header})
	// A body of unknown length can have trailers.
	r, err := http.NewRequestWithContext(t.Context(), "POST", fmt.Sprintf("http://127.0.0.1:%d/a", port), io.NopCloser(strings.NewReader("hello")))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("x-a", "b")
	r.Trailer = http.Header{"X-A": {"b"}}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
}
