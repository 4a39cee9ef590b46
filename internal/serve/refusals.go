package serve

import (
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/tlsfiles"
)

// refusalOf turns a failed handshake into its form in the status. ok is false for a handshake that
// failed for no reason of TLS.
func refusalOf(port, from, text string) (v api.Visitor, ok bool) {
	refusal, ok := tlsfiles.RefusalOf(text)
	v = api.Visitor{Port: port, Address: from, Speaks: string(refusal)}
	name := portName(port)
	refused := func(why, hint string) { v.Message, v.Hint = fmt.Sprintf("%s refused a client: %s", name, why), hint }
	const issue = "have the client's certificate issued anew"
	authorities, give := "--client-ca-file", "give Envoy a certificate: wasm-xds bootstrap --tls-cert-file and --tls-key-file"
	trust := "give Envoy the authority that signed --tls-cert-file: wasm-xds bootstrap --tls-ca-file; " +
		"the certificate must have the name or the address that Envoy connects to"
	if port == "admin" {
		authorities, give = "--admin-client-ca-file", "give the client a certificate: the command line has --admin-cert-file and --admin-key-file"
		trust = "give the client the authority that signed --admin-tls-cert-file: the command line has --admin-ca-file; " +
			"the certificate must have the name or the address that the client connects to"
	}
	switch refusal {
	case tlsfiles.NoCertificate:
		refused("it has no certificate", give)
	case tlsfiles.UnknownAuthority:
		refused("its certificate is signed by an authority that "+authorities+" does not have", "add the authority to the file, or "+issue)
	case tlsfiles.Expired:
		refused("its certificate has expired", issue+"; look at both clocks, too")
	case tlsfiles.NotYetValid:
		refused("its certificate is not valid yet", "wait, or "+issue+"; look at both clocks, too")
	case tlsfiles.BadCertificate:
		refused("its certificate cannot be used: "+text, issue)
	case tlsfiles.OldProtocol:
		refused("it speaks no version of TLS from 1.2 on", "have it speak TLS 1.2 or 1.3")
	case tlsfiles.RefusedByClient:
		v.Message = "a client refused the certificate of " + name + " (" + text + ")"
		v.Hint = trust
	}
	return v, ok
}
