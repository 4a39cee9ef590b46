package serve

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/door"
	"github.com/wasm-xds/wasm-xds/internal/metrics"
)

// A client of a port with TLS that says nothing reaches the limit of the handshake, and counts.
func TestSlowHandshakesAreCounted(t *testing.T) {
	s := &servers{
		cfg:          &Config{Logger: zap.NewNop(), HandshakeTimeout: 50 * time.Millisecond},
		certificates: &certificates{}, shown: shown{Door: door.New(metrics.New(""), zap.NewNop())},
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = s.errorLog("modules")
	s.setLimits(server.Config)
	server.StartTLS()
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = conn.Read(make([]byte, 1)) // until the server closes the connection
	server.Close()                    // waits for the server's goroutines
	limits := s.shown.Limits()
	if len(limits) != 1 || limits[0].Name != "handshake_timeout" || limits[0].Flag != "--handshake-timeout" || limits[0].Refused != 1 {
		t.Errorf("%+v", limits)
	}
}
