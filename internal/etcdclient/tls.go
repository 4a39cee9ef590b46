package etcdclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync"

	"google.golang.org/grpc/credentials"

	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// mostPEM bounds a file of certificates. The CA bundle of Debian has 220 KB.
const mostPEM = 4 << 20

// handshakes are the credentials of connections. Each handshake reads the files again. Handshakes
// are rare, because a connection lasts as long as its member. handshakes is safe for concurrent
// use.
type handshakes struct {
	caFile, certFile, keyFile string
	failed                    func(error) // takes the error of a later read
	made                      func(error) // takes the outcome of each handshake

	mu   sync.Mutex
	last *tls.Config // the last good content
}

// openHandshakes reads the files a first time.
func openHandshakes(c Config, failed, made func(error)) (*handshakes, error) {
	h := &handshakes{caFile: c.CAFile, certFile: c.CertFile, keyFile: c.KeyFile, failed: failed, made: made}
	config, err := h.read()
	if err != nil {
		return nil, err
	}
	h.last = config
	return h, nil
}

// read returns the configuration of TLS as the files have it now.
func (h *handshakes) read() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if h.caFile != "" {
		text, err := regular.Read(h.caFile, mostPEM)
		if err != nil {
			return nil, fileProblem(h.caFile, "the CA of etcd", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fileProblem(h.caFile, "the CA of etcd", errors.New("no certificate in PEM form is in it"))
		}
	}
	if h.certFile == "" {
		return config, nil
	}
	cert, err := regular.Read(h.certFile, mostPEM)
	if err != nil {
		return nil, fileProblem(h.certFile, "the certificate for etcd", err)
	}
	key, err := regular.Read(h.keyFile, mostPEM)
	if err != nil {
		return nil, fileProblem(h.keyFile, "the key for etcd", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, &spec.Error{
			Code: CodeConfig, Message: fmt.Sprintf("the certificate and the key for etcd cannot be used: %s", err),
			Hint: "give a certificate and its key in PEM form", Pos: spec.Position{File: h.certFile},
		}
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// current returns the newest good configuration.
func (h *handshakes) current() *tls.Config {
	config, err := h.read()
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		h.last = config
	} else {
		h.failed(err)
	}
	return h.last
}

// ClientHandshake implements [credentials.TransportCredentials].
func (h *handshakes) ClientHandshake(ctx context.Context, authority string, c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := credentials.NewTLS(h.current()).ClientHandshake(ctx, authority, c)
	h.made(err)
	return conn, info, err
}

// ServerHandshake implements [credentials.TransportCredentials]. No server uses it.
func (h *handshakes) ServerHandshake(net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("these are the credentials of a client")
}

// Info implements [credentials.TransportCredentials].
func (h *handshakes) Info() credentials.ProtocolInfo { return credentials.NewTLS(&tls.Config{}).Info() }

// Clone implements [credentials.TransportCredentials].
func (h *handshakes) Clone() credentials.TransportCredentials { return h }

// OverrideServerName implements [credentials.TransportCredentials]. The name is the endpoint's.
func (h *handshakes) OverrideServerName(string) error { return nil }
