package dial

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/internal/reason"
)

// The bounds of each step.
const (
	connectTimeout = 5 * time.Second
	askTimeout     = 5 * time.Second
	alertTimeout   = 2 * time.Second
	// quiet is how long an accepted stream has no answer: the control plane ends a refused stream
	// much earlier.
	quiet = 300 * time.Millisecond
)

// problem is the reason for which a server cannot be used.
type problem struct{ code, message, hint string }

// target is an address of a cluster.
type target struct {
	cluster *envoyconfig.Cluster
	address string
	tls     *tls.Config // nil: plain text
}

// connect opens a connection without TLS.
func (t target) connect(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	network, address := "tcp", t.address
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		network, address = "unix", path
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

// open opens a connection as Envoy does.
func (t target) open(ctx context.Context) (net.Conn, *problem) {
	raw, err := t.connect(ctx)
	if err != nil {
		return nil, &problem{"unreachable", "cannot be reached from here: " + reason.Of(err), "look whether the control plane listens there; from another machine or network the answer may differ"}
	}
	if t.tls == nil {
		return raw, nil
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	secure := tls.Client(raw, t.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, t.tlsProblem(err)
	}
	return secure, nil
}

// refused opens another connection, and returns the alert with which the server refuses Envoy's
// certificate: in TLS 1.3 the alert follows the handshake. "": there is none.
func (t target) refused(ctx context.Context) string {
	if t.tls == nil {
		return ""
	}
	conn, p := t.open(ctx)
	if p != nil {
		return ""
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(alertTimeout))
	if _, err := conn.Read(make([]byte, 1)); err != nil && strings.Contains(err.Error(), "remote error: tls") {
		return err.Error()
	}
	return ""
}

func (t target) tlsProblem(err error) *problem {
	var notTLS tls.RecordHeaderError
	text := err.Error()
	switch {
	case errors.As(err, &notTLS), strings.Contains(text, "EOF"), strings.Contains(text, "reset by peer"):
		return &problem{"server_has_no_tls", "does not speak TLS, and the cluster does", "take the transport_socket out of the cluster, or serve with --tls-cert-file"}
	case strings.Contains(text, "remote error"):
		return refusedByServer(text)
	default:
		return &problem{"server_not_trusted", "has a certificate that Envoy refuses: " + text, "give Envoy the authority of the server's certificate, and the name that is in it"}
	}
}

func refusedByServer(text string) *problem {
	return &problem{
		"client_refused", "refuses Envoy's TLS: " + text,
		"`wasm-xds status` names the reason; most often Envoy's certificate is missing, has expired, or is signed by an authority that --client-ca-file does not have",
	}
}

// speaksTLS says whether a server speaks TLS.
func (t target) speaksTLS(ctx context.Context) bool {
	raw, err := t.connect(ctx)
	if err != nil {
		return false
	}
	defer raw.Close()
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	var certificates int
	c := tls.Client(raw, &tls.Config{
		InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}, //nolint:gosec // nothing is sent
		VerifyConnection: func(s tls.ConnectionState) error { certificates = len(s.PeerCertificates); return nil },
	})
	_ = c.HandshakeContext(ctx) // a server that wants a certificate fails later
	return certificates > 0
}
