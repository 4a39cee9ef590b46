package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"time"
)

// Cause says in words why TLS failed.
type Cause struct {
	Words string // the reason, as the end of a sentence about the server
	Hint  string // the next step
	// Certificate says the server's certificate is at fault. Another attempt fails in the same
	// way until somebody repairs the certificate.
	Certificate bool
	// Plain says the server speaks no TLS.
	Plain bool
}

// CauseOf finds the TLS cause of a request's error. ok is false for errors without a relation to
// TLS.
func CauseOf(err error) (Cause, bool) {
	if err == nil {
		return Cause{}, false
	}
	if c, ok := ofCertificate(err); ok {
		c.Certificate = true
		return c, true
	}
	header := tls.RecordHeaderError{}
	if errors.Is(err, http.ErrSchemeMismatch) || errors.As(err, &header) {
		return Cause{
			Words: "it speaks plain HTTP, and HTTPS was expected",
			Hint:  "use the port on which it speaks HTTPS", Plain: true,
		}, true
	}
	return ofText(err.Error())
}

// ofCertificate finds the cause of errors with a certificate.
func ofCertificate(err error) (Cause, bool) {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		roots     x509.SystemRootsError
		verify    *tls.CertificateVerificationError
	)
	const untrusted = "its certificate is not trusted: "
	switch {
	case errors.As(err, &roots):
		return Cause{
			Words: untrusted + "this machine has no roots to trust",
			Hint:  "install the package ca-certificates, or give the CA's certificate with --ca-file",
		}, true
	case errors.As(err, &name):
		return Cause{
			Words: untrusted + name.Error(),
			Hint:  "use a name that the certificate has, or have it issued for this one",
		}, true
	case errors.As(err, &authority):
		words := untrusted + "it is signed by an authority that is not known here"
		if c := authority.Cert; c != nil && c.Issuer.String() != "" {
			words += " (" + c.Issuer.String() + ")"
		}
		return Cause{Words: words, Hint: "give its CA's certificate with --ca-file; a server must send its intermediate certificates itself"}, true
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return ofTime(invalid.Cert), true
	case errors.As(err, &invalid):
		return Cause{Words: untrusted + invalid.Error(), Hint: "have the server's certificate issued anew"}, true
	case errors.As(err, &verify):
		return Cause{Words: untrusted + verify.Err.Error(), Hint: "have the server's certificate issued anew"}, true
	default:
		return Cause{}, false
	}
}

// ofTime returns the cause for a certificate that is not valid at this time.
func ofTime(c *x509.Certificate) Cause {
	const clock = "; look at this machine's clock, too"
	if c == nil {
		return Cause{Words: "its certificate does not hold at this time", Hint: "have it issued anew" + clock}
	}
	now := time.Now().UTC().Format(time.DateTime)
	if time.Now().Before(c.NotBefore) {
		return Cause{
			Words: "its certificate is not valid before " + c.NotBefore.UTC().Format(time.DateTime) + " UTC (now it is " + now + ")",
			Hint:  "wait until then, or have it issued anew" + clock,
		}
	}
	return Cause{
		Words: "its certificate has expired on " + c.NotAfter.UTC().Format(time.DateTime) + " UTC (now it is " + now + ")",
		Hint:  "have it issued anew" + clock,
	}
}

// ofText recognises errors for which crypto/tls and net/http have no types, for example the alerts
// of a server.
func ofText(text string) (Cause, bool) {
	for _, one := range []struct {
		in, words, hint string
	}{
		{
			"tls: certificate required", "it wants a client's certificate, and wasm-xds has none",
			"put the module where none is asked for, for instance behind a proxy that has the certificate",
		},
		{
			"tls: bad certificate", "it refused the client's certificate, and wasm-xds sends none",
			"put the module where none is asked for, for instance behind a proxy that has the certificate",
		},
		{
			"protocol version", "it speaks no version of TLS from 1.2 on",
			"have the server speak TLS 1.2 or 1.3",
		},
		{
			"tls: handshake failure", "it agrees on no cipher with wasm-xds, or wants a client's certificate, which wasm-xds has not",
			"have the server offer a cipher of TLS 1.2 or 1.3 that is not broken, and ask for no certificate",
		},
		{
			"tls: unrecognized name", "it serves nothing by this name",
			"correct the name, or have the server serve it",
		},
		{
			`malformed HTTP response "\x15\x03`, "it speaks TLS, and plain HTTP was expected",
			"write https:// instead of http://, or do not name it with --insecure-registry",
		},
	} {
		if strings.Contains(text, one.in) {
			return Cause{Words: one.words, Hint: one.hint}, true
		}
	}
	if strings.Contains(text, "tls: ") {
		_, after, _ := strings.Cut(text, "tls: ")
		return Cause{Words: "TLS failed: " + after, Hint: "look at the server's TLS settings, and at what lies between it and this machine"}, true
	}
	return Cause{}, false
}

// WantsTLS reports whether a refusal of a plain HTTP request asks for HTTPS, as the servers of Go,
// nginx and Apache do.
func WantsTLS(text string) bool {
	for _, one := range []string{"HTTP request to an HTTPS server", "plain HTTP request was sent to HTTPS port", "speaking plain HTTP to an SSL-enabled"} {
		if strings.Contains(text, one) {
			return true
		}
	}
	return false
}
