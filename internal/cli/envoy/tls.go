package envoy

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/reason"
)

func addTLSFlags(f *pflag.FlagSet, o *bootstrap.TLS) {
	f.StringVar(&o.CAFile, "tls-ca-file", "", "PEM `file` with the CA of the control plane's certificate, as Envoy sees it; Envoy then speaks TLS to both ports")
	f.StringVar(&o.CertFile, "tls-cert-file", "", "PEM `file` with Envoy's own certificate, as Envoy sees it")
	f.StringVar(&o.KeyFile, "tls-key-file", "", "PEM `file` with the key of that certificate")
	f.StringVar(&o.SDSDir, "tls-sds-dir", "", "`directory` for the small files that name the certificates to Envoy, so that Envoy follows new ones (default that of --tls-ca-file); they are written there")
	f.StringVar(&o.ServerName, "tls-server-name", "", "`name` that the certificate of the control plane must have (default the host that Envoy connects to)")
	s := &o.SPIFFE
	f.StringVar(&s.Socket, "spiffe-socket", "", "`socket` of the SPIFFE agent as Envoy sees it, as unix:///run/spire/agent/api.sock: Envoy then takes its certificate and the CA from the agent's SDS, instead of files")
	f.StringVar(&s.ServerID, "spiffe-server-id", "", "SPIFFE `ID` of the control plane, as spiffe://example.org/wasm-xds; without a path, any of that trust domain")
	f.StringVar(&s.SVIDName, "spiffe-svid-name", "", "`name` of Envoy's certificate in the agent's SDS (default SPIRE's \"default\"); SPIRE also knows the SPIFFE ID")
	f.StringVar(&s.BundleName, "spiffe-bundle-name", "", "`name` of the CAs in the agent's SDS (default SPIRE's \"ROOTCA\", the agent's trust domain); SPIRE also knows spiffe://TRUST-DOMAIN")
}

// prepareTLS makes the paths absolute, and writes the files of SDS.
func prepareTLS(o *bootstrap.Options, stderr io.Writer) error {
	if err := checkTLS(o, stderr); err != nil {
		return err
	}
	return writeSDS(*o)
}

// checkTLS checks the flags, and makes the paths absolute.
func checkTLS(o *bootstrap.Options, stderr io.Writer) error {
	if o.TLS == (bootstrap.TLS{}) {
		return nil
	}
	if o.TLS.SPIFFE != (bootstrap.SPIFFE{}) {
		return checkAgent(o.TLS, stderr)
	}
	if o.TLS.CAFile == "" {
		return command.Failure(command.CodeUsage, "--tls-ca-file is missing: without the CA of the control plane, Envoy would trust everybody", "")
	}
	if (o.TLS.CertFile == "") != (o.TLS.KeyFile == "") {
		return command.Failure(command.CodeUsage, "--tls-cert-file and --tls-key-file need each other", "")
	}
	for _, path := range []*string{&o.TLS.CAFile, &o.TLS.CertFile, &o.TLS.KeyFile, &o.TLS.SDSDir} {
		var err error
		if *path, err = command.Absolute(*path); err != nil {
			return err
		}
	}
	return nil
}

// writeSDS writes the files of SDS.
func writeSDS(o bootstrap.Options) error {
	files, err := bootstrap.SDSFiles(o)
	if err != nil {
		return err
	}
	for path, text := range files {
		if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
			err = atomicfile.WriteFile(path, text, 0o644) // as a whole, since a running Envoy may watch it
		}
		if err != nil {
			return command.Failure("cannot_write", path+" cannot be written: "+reason.Of(err), "name another directory with --tls-sds-dir")
		}
	}
	return nil
}

// checkAgent checks the flags for a SPIFFE agent.
func checkAgent(o bootstrap.TLS, stderr io.Writer) error {
	if o.SPIFFE.Socket == "" {
		return command.Failure(command.CodeUsage, "--spiffe-socket is missing: without the agent, Envoy has no certificate", "")
	}
	for _, one := range []struct{ flag, value string }{
		{"tls-ca-file", o.CAFile}, {"tls-cert-file", o.CertFile}, {"tls-key-file", o.KeyFile}, {"tls-sds-dir", o.SDSDir}, {"tls-server-name", o.ServerName},
	} {
		if one.value != "" {
			return command.Failure(command.CodeUsage, "--spiffe-socket and --"+one.flag+" exclude each other: the certificates come from the agent or from files", "")
		}
	}
	if err := o.Check(); err != nil {
		return command.Failure(command.CodeUsage, err.Error(), "")
	}
	if o.SPIFFE.ServerID == "" {
		fmt.Fprintln(stderr, "warning: without --spiffe-server-id, each identity of the agent's trust domain may pose as the control plane to this Envoy")
	}
	return nil
}
