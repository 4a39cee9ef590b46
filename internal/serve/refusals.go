package serve

import (
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/tlsserver"
)

// advice has the words for the refused clients of a port.
type advice struct {
	authorities string // where the CAs of clients come from, as the end of a sentence
	add         string // how to trust another authority
	give        string // how a client gets a certificate
	issue       string // how a client gets another certificate
	trust       string // how a client comes to trust the server's certificate
	identity    string // how a client of another trust domain may connect
}

func fileAdvice() advice {
	return advice{
		authorities: "--client-ca-file does not have",
		add:         "add the authority to the file, or have the client's certificate issued anew",
		give:        "give Envoy a certificate: wasm-xds bootstrap --tls-cert-file and --tls-key-file",
		issue:       "have the client's certificate issued anew",
		trust: "give Envoy the authority that signed --tls-cert-file: wasm-xds bootstrap --tls-ca-file; " +
			"the certificate must have the name or the address that Envoy connects to",
	}
}

func adminAdvice() advice {
	a := fileAdvice()
	a.authorities = "--admin-client-ca-file does not have"
	a.give = "give the client a certificate: the command line has --admin-cert-file and --admin-key-file"
	a.trust = "give the client the authority that signed --admin-tls-cert-file: the command line has --admin-ca-file; " +
		"the certificate must have the name or the address that the client connects to"
	return a
}

func agentAdvice() advice {
	return advice{
		authorities: "the SPIFFE agent of this server does not name",
		add:         "have an agent of the same trust domain give the client its certificate, or federate the trust domains",
		give:        "have Envoy take a certificate from its SPIFFE agent: wasm-xds bootstrap --spiffe-socket",
		issue:       "look whether the client's SPIFFE agent renews its certificate",
		trust: "look whether Envoy wants another identity of the server: wasm-xds bootstrap --spiffe-server-id; " +
			"GET /api/v1/certificates has the server's own",
		identity: "name the client's trust domain with --spiffe-trust-domain, and federate it with the server's",
	}
}

// refusalOf turns a failed handshake into the form in the status. ok is false for a failure for no
// reason of TLS.
func refusalOf(port string, a advice, from, text string) (v api.Visitor, ok bool) {
	refusal, ok := tlsserver.RefusalOf(text)
	v = api.Visitor{Port: port, Address: from, Speaks: string(refusal)}
	name := portName(port)
	refused := func(why, hint string) { v.Message, v.Hint = fmt.Sprintf("%s refused a client: %s", name, why), hint }
	switch refusal {
	case tlsserver.NoCertificate:
		refused("it has no certificate", a.give)
	case tlsserver.UnknownAuthority:
		refused("its certificate is signed by an authority that "+a.authorities, a.add)
	case tlsserver.Revoked:
		refused(revoked(a), a.add)
	case tlsserver.Expired:
		refused("its certificate has expired", a.issue+"; look at both clocks, too")
	case tlsserver.NotYetValid:
		refused("its certificate is not valid yet", "wait, or "+a.issue+"; look at both clocks, too")
	case tlsserver.WrongIdentity:
		refused(tlsserver.IdentityProblem(text), a.identity)
	case tlsserver.BadCertificate:
		refused("its certificate cannot be used: "+text, a.issue)
	case tlsserver.OldProtocol:
		refused("it speaks no version of TLS from 1.2 on", "have it speak TLS 1.2 or 1.3")
	case tlsserver.WrongProtocol:
		if port == "xds" {
			refused("it does not offer HTTP/2, which gRPC needs", "give the Envoy cluster that leads here http2_protocol_options, as wasm-xds bootstrap does")
		} else {
			refused("it does not offer HTTP/1", "take http2_protocol_options out of the Envoy cluster that leads here; the xDS port is another one")
		}
	case tlsserver.RefusedByClient:
		v.Message = "a client refused the certificate of " + name + " (" + text + ")"
		v.Hint = a.trust
	}
	return v, ok
}

func revoked(a advice) string {
	return "its certificate is signed by an authority that " + a.authorities + " any more"
}

// closedOf is a client after the server has closed the client's open connection, in the form of the
// status.
func closedOf(port string, a advice, from string) api.Visitor {
	return api.Visitor{
		Port: port, Address: from, Speaks: string(tlsserver.Revoked), Hint: a.add,
		Message: portName(port) + " closed the connection of a client: " + revoked(a),
	}
}
