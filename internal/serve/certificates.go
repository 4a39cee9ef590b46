package serve

import (
	"errors"
	"io/fs"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/tlsfiles"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// certificates are the TLS files of the ports.
type certificates struct {
	envoys portFiles // of xDS and the modules
	admin  portFiles // of the API
	log    *zap.Logger
}

// portFiles are the TLS files of one or several ports.
type portFiles struct {
	*tlsfiles.Server // nil: without TLS
	ports            []string
	hint             string // names the flags
}

// openCertificates reads the TLS files that cfg names.
func openCertificates(cfg *Config) (c *certificates, err error) {
	c = &certificates{log: cfg.Logger}
	if c.envoys, err = openPort(cfg.TLS, envoysHint, "xds", "modules"); err != nil {
		return nil, err
	}
	c.admin, err = openPort(cfg.AdminTLS, adminHint, "admin")
	return c, err
}

// The hints for files that cannot be used.
const (
	envoysHint = "give PEM files with --tls-cert-file, --tls-key-file and --client-ca-file" + keyHint
	adminHint  = "give PEM files with --admin-tls-cert-file, --admin-tls-key-file and --admin-client-ca-file" + keyHint
	keyHint    = "; the key has no passphrase and belongs to the certificate"
)

// openPort reads the TLS files of ports.
func openPort(c tlsfiles.Config, hint string, ports ...string) (portFiles, error) {
	p := portFiles{ports: ports, hint: hint}
	if c == (tlsfiles.Config{}) {
		return p, nil
	}
	if err := complete(c, hint); err != nil {
		return p, err
	}
	files, err := tlsfiles.Open(c)
	if err != nil {
		return p, p.problem(err)
	}
	p.Server = tlsfiles.NewServer(files)
	return p, nil
}

// complete refuses half of a configuration: a server without TLS would be the result.
func complete(c tlsfiles.Config, hint string) error {
	problem := func(text string) error { return &spec.Error{Code: "bad_certificate", Message: text, Hint: hint} }
	switch {
	case c.CertFile != "" && c.KeyFile == "":
		return problem("the certificate " + c.CertFile + " is given without its key")
	case c.CertFile == "" && c.KeyFile != "":
		return problem("the key " + c.KeyFile + " is given without its certificate")
	case c.CertFile == "":
		return problem("the CAs of clients are given without a certificate of the server: without TLS, no client shows a certificate")
	}
	return nil
}

// problem explains why the server does not start.
func (p portFiles) problem(err error) error {
	e := &spec.Error{Code: "bad_certificate", Message: "a TLS file cannot be used: " + err.Error(), Hint: p.hint}
	if errors.Is(err, fs.ErrPermission) {
		e.Hint = "let the server's user read the file"
	}
	return e
}

// followed are the files of the ports that speak TLS. After a change, the connections of clients
// that are not trusted any more end.
func (c *certificates) followed() []*followed {
	var all []*followed
	for _, p := range []portFiles{c.envoys, c.admin} {
		if p.Server == nil {
			continue
		}
		log := c.log.With(zap.Strings("ports", p.ports))
		all = append(all, &followed{
			reload: p.Reload, log: log, hint: []zap.Field{zap.String("hint", p.hint)},
			bad: "the new TLS files cannot be used, and the last good ones stay", again: "the TLS files are the last good ones again",
			changed: func() {
				log.Info("new TLS files are used", zap.Time("notAfter", p.NotAfter()))
				for _, from := range p.CloseUntrusted() {
					log.Warn("a connection is closed, because the authority of its client is not trusted any more", zap.String("address", from))
				}
			},
		})
	}
	return all
}

// Certificates returns the certificates in use. It implements [admin.State].
func (c *certificates) Certificates() []api.Certificate {
	var all []api.Certificate
	for _, p := range []portFiles{c.envoys, c.admin} {
		if p.Server == nil {
			continue
		}
		one := api.Certificate{Ports: p.ports, File: p.Config().CertFile, NotAfter: p.NotAfter().UTC()}
		if err := p.Problem(); err != nil {
			one.Error = &api.Error{Code: "bad_certificate", Message: "the new TLS files cannot be used: " + err.Error(), Hint: p.hint}
		}
		all = append(all, one)
	}
	return all
}
