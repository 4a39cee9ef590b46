package tlsserver

import "strings"

// Refusal is the reason for which a server and a client do not come together.
type Refusal string

// The reasons. An end of the connection during the handshake is none: port scanners and health
// checks end their connections there.
const (
	NoCertificate    Refusal = "no_certificate"
	UnknownAuthority Refusal = "unknown_authority"
	// Revoked means an authority of the client that the server trusted until a change of the
	// material.
	Revoked        Refusal = "revoked"
	Expired        Refusal = "expired"
	NotYetValid    Refusal = "not_yet_valid"
	BadCertificate Refusal = "bad_certificate" // for another reason, for example the purpose
	// WrongIdentity means a failure of [Material.CheckClient].
	WrongIdentity Refusal = "wrong_identity"
	OldProtocol   Refusal = "old_protocol" // the client speaks only TLS 1.1 and earlier
	// WrongProtocol means a client without the port's protocol in ALPN, for example an Envoy
	// cluster without HTTP/2 on the xDS port.
	WrongProtocol Refusal = "wrong_alpn"
	// RefusedByClient means the client does not trust the server's certificate.
	RefusedByClient Refusal = "refused_by_client"
)

// RefusalOf finds the reason in the text of a failed handshake. The text comes from crypto/tls,
// which has no types for most of these errors. ok is false for a text without a reason.
func RefusalOf(text string) (r Refusal, ok bool) {
	for _, one := range []struct {
		in      string
		refusal Refusal
	}{
		{"remote error: tls: ", RefusedByClient},
		{identityPrefix, WrongIdentity},
		{revokedPrefix, Revoked},
		{"didn't provide a certificate", NoCertificate},
		{"signed by unknown authority", UnknownAuthority},
		{" is before ", NotYetValid}, // current time … is before …
		{"has expired", Expired},
		{"unsupported versions", OldProtocol},
		{"unsupported application protocols", WrongProtocol}, // of crypto/tls
		{"missing selected ALPN property", WrongProtocol},    // of grpc-go
		{"x509: ", BadCertificate},
		{"failed to verify certificate", BadCertificate},
	} {
		if strings.Contains(text, one.in) {
			return one.refusal, true
		}
	}
	return "", false
}

// IdentityProblem returns the part of a [WrongIdentity]'s text about the fault.
func IdentityProblem(text string) string {
	_, problem, _ := strings.Cut(text, identityPrefix)
	return problem
}

// TimedOut reports whether a handshake failed with this text because the client took too long.
func TimedOut(text string) bool { return strings.HasSuffix(text, "i/o timeout") } // of package net

// HTTPLog is the output of the ErrorLog of an [http.Server], because the server tells of a failed
// handshake only there. Each failed handshake goes to Refused, and all other lines go to Other.
type HTTPLog struct {
	Refused func(from, text string)
	Other   func(line string)
}

// Write takes a line.
func (h HTTPLog) Write(line []byte) (int, error) {
	const prefix = "http: TLS handshake error from " // net/http/server.go
	text := strings.TrimSpace(string(line))
	if rest, ok := strings.CutPrefix(text, prefix); ok {
		from, problem, _ := strings.Cut(rest, ": ")
		h.Refused(from, problem)
	} else {
		h.Other(text)
	}
	return len(line), nil
}
