package tlsserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"time"
)

// DialPeer connects to another server of the same kind, and shows it the server's own certificate.
// The peer's certificate must be of the CAs of clients, and have the name of the host. With a
// [Material.CheckClient], the peer must have the URI of the own certificate in place of the name.
// Without CAs of clients, the peer's certificate must be of the system's authorities.
func (s *Server) DialPeer(ctx context.Context, dialer *net.Dialer, network, address string) (net.Conn, error) {
	m := s.material()
	if m == nil {
		return nil, errNoMaterial
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	return (&tls.Dialer{NetDialer: dialer, Config: m.peerConfig(host)}).DialContext(ctx, network, address)
}

func (m *Material) peerConfig(host string) *tls.Config {
	c := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"http/1.1"},
		Certificates: []tls.Certificate{m.Certificate},
		RootCAs:      m.ClientCAs,
		ServerName:   host,
	}
	if m.CheckClient != nil {
		c.InsecureSkipVerify = true // VerifyConnection checks the chain, and a URI in place of the host
		c.VerifyConnection = func(s tls.ConnectionState) error { return m.verifyPeer(s.PeerCertificates, time.Now()) }
	}
	return c
}

// verifyPeer checks the certificate chain of a peer with a URI.
func (m *Material) verifyPeer(chain []*x509.Certificate, now time.Time) error {
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: m.ClientCAs, Intermediates: intermediates, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err != nil {
		return err
	}
	own := m.Certificate.Leaf.URIs
	if len(own) == 0 || len(chain[0].URIs) == 0 || own[0].String() != chain[0].URIs[0].String() {
		return errors.New("the peer has another identity than this server")
	}
	return m.CheckClient(chain, now)
}
