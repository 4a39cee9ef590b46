package dial

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// errElsewhere is a certificate from a server of secrets, like a SPIFFE agent.
var errElsewhere = errors.New("the certificates come from a server of secrets, which only Envoy asks")

// reader reads the files of a transport socket.
type reader struct {
	open func(path string) ([]byte, *spec.Error)
}

// client returns the TLS of a cluster; nil: the cluster has none. protocol is for ALPN.
func (r reader) client(c *envoyconfig.Cluster, protocol string) (*tls.Config, error) {
	if !c.Node.Has("transport_socket") {
		return nil, nil //nolint:nilnil // no TLS and no error
	}
	n := c.TLS()
	if n == nil {
		return nil, errors.New("its transport_socket is not TLS")
	}
	common := n.Get("common_tls_context")
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: n.Scalar("sni"), NextProtos: []string{protocol}}
	pair, err := r.pair(common)
	if err != nil {
		return nil, err
	}
	if pair != nil {
		config.Certificates = []tls.Certificate{*pair}
	}
	config.InsecureSkipVerify = true // Envoy has rules of its own, see verify
	config.VerifyConnection, err = r.verify(common)
	return config, err
}

// pair is Envoy's own certificate; nil: Envoy has none.
func (r reader) pair(common *envoyconfig.Node) (*tls.Certificate, error) {
	var n *envoyconfig.Node
	if all := common.All("tls_certificates"); len(all) > 0 {
		n = all[0]
	} else if all := common.All("tls_certificate_sds_secret_configs"); len(all) > 0 {
		secret, err := r.secret(all[0])
		if err != nil {
			return nil, err
		}
		n = secret.Get("tls_certificate")
	}
	if n == nil {
		return nil, nil //nolint:nilnil // no certificate and no error
	}
	cert, err := r.data(n.Get("certificate_chain"))
	if err != nil {
		return nil, err
	}
	key, err := r.data(n.Get("private_key"))
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("Envoy's certificate and its key cannot be used: %w", err) //nolint:staticcheck // a name
	}
	return &pair, nil
}

// secret reads a secret from a file.
func (r reader) secret(n *envoyconfig.Node) (*envoyconfig.Node, error) {
	path := n.Scalar("sds_config", "path_config_source", "path")
	if path == "" {
		path = n.Scalar("sds_config", "path")
	}
	if path == "" {
		return nil, errElsewhere
	}
	text, problem := r.open(path)
	if problem != nil {
		return nil, problem
	}
	f, problem := envoyconfig.Parse(path, text)
	if problem != nil {
		return nil, problem
	}
	for _, one := range f.Root.All("resources") {
		if one.Scalar("name") == n.Scalar("name") || n.Scalar("name") == "" {
			return one, nil
		}
	}
	return nil, fmt.Errorf("%s has no secret %q", path, n.Scalar("name"))
}

// data reads a DataSource.
func (r reader) data(n *envoyconfig.Node) ([]byte, error) {
	switch {
	case n.Has("filename"):
		text, problem := r.open(n.Scalar("filename"))
		if problem != nil {
			return nil, problem
		}
		return text, nil
	case n.Has("inline_string"):
		return []byte(n.Scalar("inline_string")), nil
	case n.Has("inline_bytes"):
		return base64.StdEncoding.DecodeString(n.Scalar("inline_bytes"))
	case n.Has("environment_variable"):
		return []byte(os.Getenv(n.Scalar("environment_variable"))), nil
	default:
		return nil, errors.New("a certificate or a key is empty")
	}
}

// verify returns Envoy's check of the server: the authority, and the names. Without a validation
// context Envoy trusts every server.
func (r reader) verify(common *envoyconfig.Node) (func(tls.ConnectionState) error, error) {
	context := common.Get("validation_context")
	secret := common.Get("validation_context_sds_secret_config")
	if combined := common.Get("combined_validation_context"); combined != nil {
		context, secret = combined.Get("default_validation_context"), combined.Get("validation_context_sds_secret_config")
	}
	ca := context.Get("trusted_ca")
	if secret != nil {
		from, err := r.secret(secret)
		if err != nil {
			return nil, err
		}
		if own := from.Get("validation_context"); own.Has("trusted_ca") {
			ca = own.Get("trusted_ca")
		}
	}
	if ca == nil {
		return nil, nil //nolint:nilnil // every server is trusted
	}
	text, err := r.data(ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, errors.New("the trusted_ca has no certificate in PEM form")
	}
	names := context.All("match_typed_subject_alt_names")
	return func(s tls.ConnectionState) error {
		leaf := s.PeerCertificates[0]
		rest := x509.NewCertPool()
		for _, c := range s.PeerCertificates[1:] {
			rest.AddCert(c)
		}
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: rest}); err != nil {
			return err
		}
		return checkNames(leaf, names)
	}, nil
}

// checkNames compares the names of a certificate with exact matchers. Other matchers are Envoy's
// own business.
func checkNames(leaf *x509.Certificate, matchers []*envoyconfig.Node) error {
	var wanted []string
	for _, m := range matchers {
		exact := m.Get("matcher", "exact")
		if exact == nil {
			return nil
		}
		wanted = append(wanted, exact.Text)
		for _, name := range namesOf(leaf) {
			if name == exact.Text {
				return nil
			}
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	return fmt.Errorf("the server's certificate is for %q, and Envoy wants %q", namesOf(leaf), wanted)
}

func namesOf(leaf *x509.Certificate) []string {
	names := append([]string{}, leaf.DNSNames...)
	for _, u := range leaf.URIs {
		names = append(names, u.String())
	}
	for _, ip := range leaf.IPAddresses {
		names = append(names, net.IP.String(ip))
	}
	return names
}
