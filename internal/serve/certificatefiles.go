package serve

import (
	"errors"
	"io/fs"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/tlsfiles"
	"github.com/wasm-xds/wasm-xds/internal/tlsserver"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The hints for unusable files.
const (
	envoysHint = "give PEM files with --tls-cert-file, --tls-key-file and --client-ca-file" + keyHint
	adminHint  = "give PEM files with --admin-tls-cert-file, --admin-tls-key-file and --admin-client-ca-file" + keyHint
	keyHint    = "; the key has no passphrase and belongs to the certificate"
)

// fileSource has the certificate of PEM files.
type fileSource struct {
	*tlsfiles.Files
	hint string // names the flags
}

// openFilesOf reads the TLS files of ports.
func openFilesOf(c tlsfiles.Config, hint string, a advice, ports ...string) (port, error) {
	p := port{ports: ports, advice: a}
	if c == (tlsfiles.Config{}) {
		return p, nil
	}
	if err := complete(c, hint); err != nil {
		return p, err
	}
	files, err := tlsfiles.Open(c)
	if err != nil {
		return p, fileProblem(err, hint)
	}
	p.source = fileSource{files, hint}
	p.Server = tlsserver.New(p.source)
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

// fileProblem explains why the server does not start.
func fileProblem(err error, hint string) error {
	if errors.Is(err, fs.ErrPermission) {
		hint = "let the server's user read the file"
	}
	return &spec.Error{Code: "bad_certificate", Message: "a TLS file cannot be used: " + err.Error(), Hint: hint}
}

func (f fileSource) ready() <-chan struct{} { return closed() }

func (f fileSource) words() words {
	return words{
		used: "new TLS files are used", again: "the TLS files are the last good ones again", code: "bad_certificate",
		bad: func(error) (message, hint string) {
			return "the new TLS files cannot be used, and the last good ones stay", f.hint
		},
	}
}

func (f fileSource) describe(c *api.Certificate) { c.File = f.Config().CertFile }

func (f fileSource) close() error { return nil }
