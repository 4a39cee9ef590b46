package connect

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/internal/token"
)

// maxFile is the size limit of the files for these commands, in bytes.
const maxFile = 4 << 20

// server says how a running server is reached. Each field is the value of a flag.
type server struct {
	address                   string
	caFile, certFile, keyFile string
	tokenFile                 string
	tokenOfContext            bool // the variable counts before the file
}

// The names of the flags.
const (
	contextFlag = "context"
	addressFlag = "admin-address"
	caFlag      = "admin-ca-file"
	certFlag    = "admin-cert-file"
	keyFlag     = "admin-key-file"
	tokenFlag   = "admin-token-file"
)

// config reads the files.
func (s server) config() (apiclient.Config, error) {
	out, err := s.withTLS()
	if err != nil {
		return out, err
	}
	out.Token = strings.TrimSpace(os.Getenv(command.TokenVariable))
	if s.tokenFile != "" && (out.Token == "" || !s.tokenOfContext) {
		if out.Token, err = token.ReadOwn(s.tokenFile); err != nil {
			return out, err
		}
	}
	if strings.ContainsFunc(out.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return out, usage("$" + command.TokenVariable + " is no token: it has characters that no HTTP header can carry")
	}
	if out.Token != "" && apiclient.IsPlain(out.Address) {
		return out, command.Failure("plain_text", "the token would cross the network to "+out.Address+" in plain text",
			"write https:// in front of the address, or http:// to send it all the same")
	}
	return out, nil
}

// withTLS reads the files of TLS.
func (s server) withTLS() (apiclient.Config, error) {
	out := apiclient.Config{Address: s.address}
	if s.caFile == "" && s.certFile == "" && s.keyFile == "" {
		return out, nil
	}
	if !strings.Contains(s.address, "://") {
		out.Address = "https://" + s.address // without TLS, the files would have no effect
	}
	if !strings.HasPrefix(out.Address, "https://") {
		return out, usage(fmt.Sprintf("--%s, --%s and --%s are for https, and the address is %s", caFlag, certFlag, keyFlag, s.address))
	}
	out.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if s.caFile != "" {
		text, err := regular.Read(s.caFile, maxFile)
		if err != nil {
			return out, unreadable(caFlag, s.caFile, err)
		}
		out.TLS.RootCAs = x509.NewCertPool()
		if !out.TLS.RootCAs.AppendCertsFromPEM(text) {
			return out, command.Failure("bad_certificate", s.caFile+" has no certificate in PEM form", "name the CA of the server's certificate with --"+caFlag)
		}
	}
	if (s.certFile == "") != (s.keyFile == "") {
		return out, usage(fmt.Sprintf("--%s and --%s need each other", certFlag, keyFlag))
	}
	if s.certFile == "" {
		return out, nil
	}
	pair, err := tls.LoadX509KeyPair(s.certFile, s.keyFile)
	if err != nil {
		return out, command.Failure("bad_certificate", fmt.Sprintf("the certificate %s and its key %s cannot be used: %s", s.certFile, s.keyFile, err),
			fmt.Sprintf("name PEM files with --%s and --%s; the key has no passphrase", certFlag, keyFlag))
	}
	out.TLS.Certificates = []tls.Certificate{pair}
	return out, nil
}

func usage(message string) error {
	return command.Failure(command.CodeUsage, message, "")
}

func unreadable(flag, path string, err error) error {
	return command.Failure("cannot_read", path+" cannot be read: "+reason.Of(err), "name another file with --"+flag)
}
