package tlsserver_test

import (
	"crypto/tls"
	"net"
	"slices"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/pki"
	"github.com/wasm-xds/wasm-xds/internal/tlsserver"
)

// A client with another protocol is recognised by the texts of crypto/tls and grpc-go.
func TestWrongProtocol(t *testing.T) {
	clients := pki.NewCA(t, "clients")
	server, _, servers := newServer(t, clients)
	own := []tls.Certificate{clients.Issue(t, pki.Request{}).TLS(t)}
	for name, offers := range map[string][]string{"none": nil, "HTTP/1": {"http/1.1"}} {
		a, b := net.Pipe()
		go func() {
			c := tls.Client(b, &tls.Config{ServerName: "localhost", RootCAs: servers.Pool(), NextProtos: offers, Certificates: own})
			_, _ = c.Read(make([]byte, 1)) // the handshake, and the alert or the end
			_ = b.Close()
		}()
		refused := make(chan error, 1)
		_, _, err := server.GRPC("xds", func(_ net.Addr, err error) { refused <- err }).ServerHandshake(a)
		_ = a.Close()
		if err == nil {
			t.Fatalf("%s: the client is let in", name)
		}
		if r, _ := tlsserver.RefusalOf((<-refused).Error()); r != tlsserver.WrongProtocol {
			t.Errorf("%s: %q for %v", name, r, err)
		}
	}
}

func TestHTTPLog(t *testing.T) {
	var got []string
	log := tlsserver.HTTPLog{
		Refused: func(from, text string) { got = append(got, "refused "+from+" "+text) },
		Other:   func(line string) { got = append(got, line) },
	}
	for _, line := range []string{
		"http: TLS handshake error from 127.0.0.1:5: tls: client didn't provide a certificate\n",
		"http: TLS handshake error from [::1]:5: EOF\n", "http: panic serving\n",
	} {
		if n, err := log.Write([]byte(line)); n != len(line) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	want := []string{
		"refused 127.0.0.1:5 tls: client didn't provide a certificate", "refused [::1]:5 EOF", "http: panic serving",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
