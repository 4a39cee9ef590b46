package bootstrap

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/address"
)

// TLS has the files with which Envoy speaks TLS to the control plane and its module server, as
// Envoy sees them, or the SPIFFE agent instead of the files. The paths are absolute. The zero value
// means no TLS.
type TLS struct {
	CAFile            string // the CA of the servers' certificates; required with any other field
	CertFile, KeyFile string // Envoy's certificate and its key; "": none, both together
	// SDSDir is the directory of the files that [SDSFiles] makes. Envoy reads certificates anew
	// only when they come from SDS, even if SDS is a file. "": the directory of CAFile
	SDSDir string
	// ServerName is the name that the servers' certificates must have. "": the host to which Envoy
	// connects, and localhost for a Unix socket
	ServerName string
	SPIFFE     SPIFFE // an agent instead of the fields above
}

// SPIFFE is a SPIFFE agent that gives Envoy its certificate and the CA of the control plane,
// through the agent's SDS. The zero value means no agent.
type SPIFFE struct {
	Socket string // the agent's socket, as Envoy sees it: unix:// and an absolute path
	// ServerID is the SPIFFE ID that the control plane must have. An ID without a path is a trust
	// domain, of which any identity will do. "": any identity of BundleName
	ServerID string
	// SVIDName and BundleName are the names of the certificate and of the CAs in the agent's SDS.
	// "" means SPIRE's defaults, default and ROOTCA. SPIRE also knows the SPIFFE IDs of the
	// workload and of trust domains, as spiffe://example.org.
	SVIDName, BundleName string
}

// The names of the SDS resources, and of their files without .yaml.
const (
	sdsCA     = "wasm_xds_ca"
	sdsClient = "wasm_xds_client"
)

// Check returns an error, as a sentence, if the fields do not go together.
func (t TLS) Check() error {
	_, err := t.withDefaults()
	return err
}

func (t TLS) withDefaults() (TLS, error) {
	if t == (TLS{}) {
		return t, nil
	}
	if t.SPIFFE != (SPIFFE{}) {
		return t.withAgent()
	}
	if t.CAFile == "" {
		return t, errors.New("TLS needs the CA of the control plane: without it, Envoy trusts everybody")
	}
	if (t.CertFile == "") != (t.KeyFile == "") {
		return t, errors.New("TLS needs Envoy's certificate and its key together")
	}
	t.SDSDir = cmp.Or(t.SDSDir, filepath.Dir(t.CAFile))
	for _, path := range []string{t.CAFile, t.CertFile, t.KeyFile, t.SDSDir} {
		if path != "" && !filepath.IsAbs(path) {
			return t, fmt.Errorf("the path %q is not absolute", path)
		}
	}
	return t, nil
}

// withAgent checks the agent's part, and fills in the names.
func (t TLS) withAgent() (TLS, error) {
	s := &t.SPIFFE
	if t != (TLS{SPIFFE: *s}) {
		return t, errors.New("the certificates come from files or from a SPIFFE agent, not from both")
	}
	if s.Socket == "" {
		return t, errors.New("the socket of the SPIFFE agent is missing")
	}
	if a, err := address.Parse(s.Socket); err != nil || !a.IsSocket() {
		return t, fmt.Errorf("%q is no socket of a SPIFFE agent, as unix:///run/spire/agent/api.sock is", s.Socket)
	}
	if _, err := s.server(); err != nil {
		return t, err
	}
	s.SVIDName, s.BundleName = cmp.Or(s.SVIDName, "default"), cmp.Or(s.BundleName, "ROOTCA")
	return t, nil
}

// matcher is how Envoy checks the identity in the certificate of the control plane: exact or
// prefix.
type matcher struct{ Kind, Text string }

// server returns the check of ServerID.
func (s SPIFFE) server() (matcher, error) {
	const scheme = "spiffe://"
	if s.ServerID == "" {
		return matcher{"prefix", scheme}, nil
	}
	rest, ok := strings.CutPrefix(s.ServerID, scheme)
	domain, path, hasPath := strings.Cut(rest, "/")
	if !ok || domain == "" || hasPath && (path == "" || strings.HasSuffix(path, "/")) || strings.ContainsAny(rest, " ?#@:%") {
		return matcher{}, fmt.Errorf("%q is no SPIFFE ID, as spiffe://example.org/wasm-xds is", s.ServerID)
	}
	if !hasPath {
		return matcher{"prefix", s.ServerID + "/"}, nil
	}
	return matcher{"exact", s.ServerID}, nil
}

// CA is the path of the SDS file with the CA.
func (t TLS) CA() string { return filepath.Join(t.SDSDir, sdsCA+".yaml") }

// Client is the path of the SDS file with Envoy's own certificate.
func (t TLS) Client() string { return filepath.Join(t.SDSDir, sdsClient+".yaml") }

// HasClient says whether Envoy has a certificate of its own.
func (t TLS) HasClient() bool { return t.CertFile != "" }
