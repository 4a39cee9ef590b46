package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/address"
	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/tlsfiles"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// reloadEvery is the time between two looks at the files of certificates. Comparing a few small
// files costs less than following links and directories with events.
const reloadEvery = time.Second

// certificates are the TLS files of the ports.
type certificates struct {
	envoys *tlsfiles.Server // of xDS and the modules; nil: without TLS
	log    *zap.Logger
}

// openCertificates reads the TLS files that cfg names.
func openCertificates(cfg *Config) (*certificates, error) {
	c := &certificates{log: cfg.Logger}
	if cfg.TLS == (tlsfiles.Config{}) {
		return c, nil
	}
	if err := complete(cfg.TLS); err != nil {
		return nil, err
	}
	files, err := tlsfiles.Open(cfg.TLS)
	if err != nil {
		return nil, certificateProblem(err)
	}
	c.envoys = tlsfiles.NewServer(files)
	return c, nil
}

// complete refuses half of a configuration: a server without TLS would be the result.
func complete(c tlsfiles.Config) error {
	problem := func(text string) error { return &spec.Error{Code: "bad_certificate", Message: text} }
	switch {
	case c.CertFile != "" && c.KeyFile == "":
		return problem("--tls-cert-file needs --tls-key-file")
	case c.CertFile == "" && c.KeyFile != "":
		return problem("--tls-key-file needs --tls-cert-file")
	case c.CertFile == "":
		return problem("--client-ca-file needs --tls-cert-file and --tls-key-file: without TLS, no Envoy shows a certificate")
	}
	return nil
}

// certificateProblem explains why the server does not start.
func certificateProblem(err error) error {
	e := &spec.Error{Code: "bad_certificate", Message: "a TLS file cannot be used: " + err.Error(), Hint: certificateHint}
	if errors.Is(err, fs.ErrPermission) {
		e.Hint = "let the server's user read the file"
	}
	return e
}

const certificateHint = "give PEM files with --tls-cert-file, --tls-key-file and --client-ca-file; the key has no passphrase and belongs to the certificate"

// follow reads the files again until ctx ends. After a change, it ends the connections of clients
// that are not trusted any more.
func (c *certificates) follow(ctx context.Context) {
	if c.envoys == nil {
		return
	}
	ticker := time.NewTicker(reloadEvery)
	defer ticker.Stop()
	for problem := ""; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		isNew, err := c.envoys.Reload()
		switch {
		case err != nil && err.Error() != problem:
			c.log.Error("the new TLS files cannot be used, and the last good ones stay", zap.Error(err), zap.String("hint", certificateHint))
		case isNew:
			c.log.Info("new TLS files are used", zap.Time("notAfter", c.envoys.NotAfter()))
			for _, from := range c.envoys.CloseUntrusted() {
				c.log.Warn("a connection is closed, because the authority of its client is not trusted any more",
					zap.String("address", address.Client(from)))
			}
		case err == nil && problem != "":
			c.log.Info("the TLS files are the last good ones again")
		}
		problem = ""
		if err != nil {
			problem = err.Error()
		}
	}
}

// Certificates returns the certificates in use. It implements [admin.State].
func (c *certificates) Certificates() []api.Certificate {
	if c.envoys == nil {
		return nil
	}
	one := api.Certificate{
		Ports: []string{"xds", "modules"}, File: c.envoys.Config().CertFile, NotAfter: c.envoys.NotAfter().UTC(),
	}
	if err := c.envoys.Problem(); err != nil {
		one.Error = &api.Error{Code: "bad_certificate", Message: "the new TLS files cannot be used: " + err.Error(), Hint: certificateHint}
	}
	return []api.Certificate{one}
}

// refusalOf turns a failed handshake into its form in the status. ok is false for a handshake that
// failed for no reason of TLS.
func refusalOf(port, from, text string) (v api.Visitor, ok bool) {
	refusal, ok := tlsfiles.RefusalOf(text)
	v = api.Visitor{Port: port, Address: from, Speaks: string(refusal)}
	name := portName(port)
	refused := func(why, hint string) { v.Message, v.Hint = fmt.Sprintf("%s refused a client: %s", name, why), hint }
	const issue = "have the client's certificate issued anew"
	switch refusal {
	case tlsfiles.NoCertificate:
		refused("it has no certificate", "give Envoy a certificate: wasm-xds bootstrap --tls-cert-file and --tls-key-file")
	case tlsfiles.UnknownAuthority:
		refused("its certificate is signed by an authority that --client-ca-file does not have", "add the authority to the file, or "+issue)
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
		v.Hint = "give Envoy the authority that signed --tls-cert-file: wasm-xds bootstrap --tls-ca-file; " +
			"the certificate must have the name or the address that Envoy connects to"
	}
	return v, ok
}
