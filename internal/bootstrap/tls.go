package bootstrap

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
)

// TLS has the files with which Envoy speaks TLS to the control plane and its module server, as
// Envoy sees them. The paths are absolute. The zero value means no TLS.
type TLS struct {
	CAFile            string // the CA of the servers' certificates; required with any other field
	CertFile, KeyFile string // Envoy's certificate and its key; "": none, both together
	// SDSDir is the directory of the files that [SDSFiles] makes. Envoy reads certificates anew only
	// when they come from SDS, even if SDS is a file. "": the directory of CAFile
	SDSDir string
	// ServerName is the name that the servers' certificates must have. "": the host to which Envoy
	// connects, and localhost for a Unix socket
	ServerName string
}

// The names of the SDS resources, and of their files without .yaml.
const (
	sdsCA     = "wasm_xds_ca"
	sdsClient = "wasm_xds_client"
)

func (t TLS) withDefaults() (TLS, error) {
	if t == (TLS{}) {
		return t, nil
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

// CA is the path of the SDS file with the CA.
func (t TLS) CA() string { return filepath.Join(t.SDSDir, sdsCA+".yaml") }

// Client is the path of the SDS file with Envoy's own certificate.
func (t TLS) Client() string { return filepath.Join(t.SDSDir, sdsClient+".yaml") }

// HasClient says whether Envoy has a certificate of its own.
func (t TLS) HasClient() bool { return t.CertFile != "" }
