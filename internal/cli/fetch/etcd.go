package fetch

import (
	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/etcdclient"
)

// Etcd configures the access to etcd.
type Etcd struct {
	config etcdclient.Config
}

// AddFlags adds the flags.
func (e *Etcd) AddFlags(f *pflag.FlagSet) {
	c := &e.config
	f.StringSliceVar(&c.Endpoints, "etcd-endpoints", nil, "`host:port` of the members of etcd, several with commas; https://host:port for TLS")
	f.StringVar(&c.CAFile, "etcd-ca-file", "", "PEM `file` with the CAs of etcd's members, which then speak TLS; read again for each connection")
	f.StringVar(&c.CertFile, "etcd-cert-file", "", "PEM `file` with the certificate for etcd")
	f.StringVar(&c.KeyFile, "etcd-key-file", "", "PEM `file` with the certificate's private key")
	f.StringVar(&c.User, "etcd-user", "", "`name` of etcd's user")
	f.StringVar(&c.PasswordFile, "etcd-password-file", "", "`file` with the user's password")
	f.StringVar(&c.SecretKeyFile, "etcd-secret-key-file", "", "`file` with keys that seal what is kept in etcd, in base64, a key a line; the first one seals, all open (make one with: openssl rand -base64 32)")
}

// Check returns the first contradiction among the flags.
func (e *Etcd) Check() error { return e.config.Check() }

// Config is the access as the flags describe it, with absolute paths.
func (e *Etcd) Config() (etcdclient.Config, error) {
	c := e.config
	for _, path := range []*string{&c.CAFile, &c.CertFile, &c.KeyFile, &c.PasswordFile, &c.SecretKeyFile} {
		var err error
		if *path, err = command.Absolute(*path); err != nil {
			return c, err
		}
	}
	return c, nil
}
