package filtertests

import (
	"io"
	"net"
	"net/http/httptest"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// logOfEnvoy returns the log of an Envoy with a filter up to the filter's [mark]. The traffic is
// a connection, or the requests sent by request.
func logOfEnvoy(t *testing.T, s *spec.Spec, version string, request func(u *upstream, port int)) string {
	t.Helper()
	port := harness.FreePort(t)
	start := func(upstream net.Addr, chain string) *harness.EnvoyProcess {
		envoy := harness.StartEnvoy(t, harness.EnvoyOptions{Version: version, Bootstrap: bootstrap(s, port, upstream, chain), Concurrency: 1})
		envoy.WaitReady()
		return envoy
	}
	var envoy *harness.EnvoyProcess
	if s.Type == spec.Network {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		envoy = start(listener.Addr(), tcpChain)
		probeConnection(t, listener, port)
	} else {
		u := &upstream{}
		server := httptest.NewServer(u)
		defer server.Close()
		envoy = start(server.Listener.Addr(), httpChain)
		request(u, port)
	}
	envoy.WaitLog(mark)
	return envoy.Log()
}

// probeConnection sends a text in each direction and closes. The probe may change the texts.
func probeConnection(t *testing.T, listener net.Listener, port int) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			done <- err
			return
		}
		defer conn.Close()
		if _, err := conn.Read(make([]byte, 100)); err != nil {
			done <- err
			return
		}
		_, err = io.WriteString(conn, "world")
		done <- err
	}()
	conn, err := net.Dial("tcp", harness.Loopback(port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
