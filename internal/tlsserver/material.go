// Package tlsserver serves TLS with a certificate, and with the CAs of clients, which change while
// the server runs.
//
// A [Source] has the newest [Material]: package tlsfiles reads the material from files, and package
// spiffe gets the material from the SPIFFE Workload API. [Server] makes the configuration of TLS,
// in which each handshake uses the newest material, and closes the connections of clients no longer
// trusted. [RefusalOf] finds the reason of a failed handshake.
package tlsserver

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// Material is the input of handshakes. Material never changes.
type Material struct {
	Certificate tls.Certificate // with Leaf set
	// ClientCAs are the CAs of clients. nil means that clients need no certificate.
	ClientCAs *x509.CertPool
	// CheckClient checks the chain of a client of ClientCAs, at a time. nil means no further check.
	CheckClient func(chain []*x509.Certificate, now time.Time) error
	// NotBefore and NotAfter are the time in which the whole chain is valid.
	NotBefore, NotAfter time.Time
}

// NewMaterial returns the material with a certificate, and finds the time of the chain's validity.
func NewMaterial(certificate tls.Certificate) (*Material, error) {
	m := &Material{Certificate: certificate}
	for i, der := range certificate.Certificate {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			m.Certificate.Leaf = c
		}
		if m.NotBefore.Before(c.NotBefore) {
			m.NotBefore = c.NotBefore
		}
		if m.NotAfter.IsZero() || c.NotAfter.Before(m.NotAfter) {
			m.NotAfter = c.NotAfter
		}
	}
	if m.Certificate.Leaf == nil {
		return nil, errors.New("the chain has no certificate")
	}
	return m, nil
}

// verify checks the certificate chain of a client. The zero time leaves out the check of the time
// in which the client's certificate is valid.
func (m *Material) verify(chain []*x509.Certificate, now time.Time) error {
	if m.ClientCAs == nil {
		return nil
	}
	if len(chain) == 0 {
		return errors.New("the client has no certificate")
	}
	if now.IsZero() {
		now = chain[0].NotAfter
	}
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: m.ClientCAs, Intermediates: intermediates, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err == nil && m.CheckClient != nil {
		err = m.CheckClient(chain, now)
	}
	return err
}

// config returns the configuration of a handshake.
//
// Sessions are never resumed. A resumed session would keep a client of a removed CA.
func (m *Material) config(protocols []string) *tls.Config {
	c := &tls.Config{
		MinVersion:             tls.VersionTLS12,
		NextProtos:             protocols,
		Certificates:           []tls.Certificate{m.Certificate},
		SessionTicketsDisabled: true,
	}
	if m.ClientCAs == nil {
		return c
	}
	c.ClientCAs, c.ClientAuth = m.ClientCAs, tls.RequireAndVerifyClientCert
	if m.CheckClient != nil {
		c.VerifyConnection = func(s tls.ConnectionState) error {
			if err := m.CheckClient(s.PeerCertificates, time.Now()); err != nil {
				return fmt.Errorf("%s%w", identityPrefix, err)
			}
			return nil
		}
	}
	return c
}

// identityPrefix begins the error of a handshake after [Material.CheckClient] has failed.
const identityPrefix = "identity of the client: "
